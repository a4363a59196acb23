// Loads a trace into Perfetto's trace processor and prints the rows of SQL queries: a JSON array of arrays for each query,
// a line each.
//
//   node .ci/perfetto.cjs DIR TRACE QUERY...
//
// DIR holds `engine_bundle.js` and `trace_processor.wasm` of Perfetto's user interface: the worker that its page talks to.
// It is run here with as much of a worker's world as it asks for, and is sent what the page would send: messages of
// `TraceProcessorRpc`, framed as in `TraceProcessorRpcStream` (protos/perfetto/trace_processor/trace_processor.proto).
'use strict';
const { readFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const vm = require('node:vm');

const Method = { appendTraceData: 1, finalizeTraceData: 2, queryStreaming: 3 };
const Field = { sequence: 1, request: 2, appendTraceData: 101, queryArguments: 103, appendResult: 201, queryResult: 203 };
const Cell = { end: 0, null: 1, integer: 2, real: 3, text: 4, blob: 5 };

// Writing of messages.
function varint(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}
const number = (field, value) => Buffer.from([...varint(field << 3), ...varint(value)]);
const bytes = (field, content) => Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(content.length)]), content]);

// Reading of messages: varints as BigInt, all else as bytes.
function readVarint(buffer, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = buffer[at++];
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}
function fields(buffer) {
  const found = [];
  for (let at = 0, key, content; at < buffer.length; ) {
    [key, at] = readVarint(buffer, at);
    const wire = Number(key & 7n);
    if (wire === 0) [content, at] = readVarint(buffer, at);
    else {
      let length = wire === 1 ? 8 : 4;
      if (wire === 2) {
        [length, at] = readVarint(buffer, at);
        length = Number(length);
      }
      content = buffer.subarray(at, (at += length));
    }
    found.push([Number(key >> 3n), content]);
  }
  return found;
}
function varints(buffer) {
  const values = [];
  for (let at = 0, value; at < buffer.length; ) {
    [value, at] = readVarint(buffer, at);
    values.push(BigInt.asIntN(64, value));
  }
  return values;
}

/// A worker that runs the bundle; `call` sends a request and returns the fields of its replies.
function worker(directory) {
  const received = [];
  const port = { postMessage: (message) => received.push(Buffer.from(message)) };
  const local = (url) => readFileSync(join(directory, basename(String(url))));
  class LocalRequest {
    open(_method, url) { this.url = url; }
    send() {
      const content = local(this.url);
      this.response = content.buffer.slice(content.byteOffset, content.byteOffset + content.length);
    }
  }
  const scope = {
    XMLHttpRequest: LocalRequest,
    WorkerGlobalScope: class {},
    importScripts() {},
    location: { href: 'http://localhost/engine_bundle.js' },
    console: { log() {}, warn() {}, error() {} },
    crypto: globalThis.crypto,
    performance, setTimeout, TextDecoder, TextEncoder, URL,
  };
  scope.self = scope;
  vm.createContext(scope);
  vm.runInContext(local('engine_bundle.js').toString(), scope);
  scope.onmessage({ data: port });
  const OwnBytes = vm.runInContext('Uint8Array', scope);
  let sequence = 0;
  return (method, ...content) => {
    received.length = 0;
    const request = Buffer.concat([number(Field.sequence, ++sequence), number(Field.request, method), ...content]);
    port.onmessage({ data: OwnBytes.from(bytes(1, request)) });
    return fields(Buffer.concat(received)).flatMap(([, reply]) => fields(reply));
  };
}

function rows(replies) {
  let columns = 0;
  const cells = [], integers = [], reals = [], texts = [];
  for (const [field, result] of replies.filter(([field]) => field === Field.queryResult)) {
    for (const [part, content] of fields(result)) {
      if (part === 1) columns++;
      if (part === 2) throw new Error(content.toString());
      if (part !== 3) continue;
      for (const [kind, values] of fields(content)) {
        if (kind === 1) cells.push(...values);
        if (kind === 2) integers.push(...varints(values));
        if (kind === 3) for (let at = 0; at < values.length; at += 8) reals.push(values.readDoubleLE(at));
        if (kind === 5) texts.push(...values.toString().split('\0').slice(0, -1));
      }
    }
  }
  const take = (cell) => {
    if (cell === Cell.integer) return Number(integers.shift());
    if (cell === Cell.real) return reals.shift();
    return cell === Cell.text ? texts.shift() : null;
  };
  const values = cells.map(take);
  return Array.from({ length: columns ? values.length / columns : 0 }, (_, row) => values.slice(row * columns, (row + 1) * columns));
}

const [directory, trace, ...queries] = process.argv.slice(2);
const CHUNK = 1 << 24;
const call = worker(directory);
// The bundle compiles its WebAssembly first, and says nothing when it is ready.
setTimeout(() => {
  const content = readFileSync(trace);
  for (let at = 0; at < content.length; at += CHUNK) {
    for (const [field, result] of call(Method.appendTraceData, bytes(Field.appendTraceData, content.subarray(at, at + CHUNK)))) {
      const error = field === Field.appendResult && fields(result).find(([part]) => part === 2);
      if (error) throw new Error(error[1].toString());
    }
  }
  call(Method.finalizeTraceData);
  for (const query of queries) {
    console.log(JSON.stringify(rows(call(Method.queryStreaming, bytes(Field.queryArguments, bytes(1, Buffer.from(query)))))));
  }
  process.exit(0);
}, 500);
