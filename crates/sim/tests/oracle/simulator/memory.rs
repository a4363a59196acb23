//! Costs of layers, and the memory bandwidth that running layers are granted.

use rtmm_hardware::{AcceleratorId, Bandwidth, Isolated, Share, Sharing, Work};

use super::{Oracle, Seg};

impl Oracle<'_> {
    pub(super) fn is_shared(&self) -> bool {
        self.built.platform.shared_dram.is_some()
    }

    pub(super) fn work(&self, configuration: usize, model: usize, sample: u32, layer: u32) -> Work {
        self.work[model][sample as usize][layer as usize][configuration]
    }

    /// The steps that a layer has on a configuration: as many as every sample of it has.
    pub(super) fn quanta(&self, configuration: usize, model: usize, layer: u32) -> u32 {
        let samples = 0..self.work[model].len() as u32;
        let of = samples.map(|sample| self.work(configuration, model, sample, layer).quanta);
        of.min().expect("a row")
    }

    pub(super) fn is_static(&self) -> bool {
        self.built.platform.shared_dram.is_some_and(|dram| dram.sharing == Sharing::Static)
    }

    /// The share of the memory that so many units of an accelerator come with.
    pub(super) fn own_share(&self, accelerator: usize, units: u32) -> Share {
        if !self.is_static() {
            return Share::WHOLE;
        }
        let one = &self.built.platform.accelerators[accelerator];
        let part = u64::from(one.dram_share.millionths()) * u64::from(units) / u64::from(one.units());
        Share::from_millionths(part as u32).expect("a share")
    }

    /// The bandwidth that a run of an accelerator can have, if no other runs.
    pub(super) fn available(&self, accelerator: usize, share: Share) -> Bandwidth {
        match self.built.platform.shared_dram {
            Some(dram) if dram.sharing == Sharing::Static => dram.bandwidth.part(share),
            _ => self.built.platform.dram_bandwidth(AcceleratorId::new(accelerator)),
        }
    }

    /// A layer that has everything to itself.
    pub(super) fn isolated(&self, segment: &Seg, layer: u32) -> Isolated {
        let work = self.work(segment.configuration, segment.model, segment.realisation.row, layer);
        Isolated::of(&work, self.available(segment.accelerator, segment.share))
    }

    /// What is done between this picosecond and the next, in competition.
    pub(super) fn pass_a_picosecond(&mut self) {
        if !self.is_shared() {
            return;
        }
        let grants = self.grants();
        for (segment, grant) in self.segments.iter_mut().zip(grants) {
            let Some(running) = segment.as_mut().and_then(|segment| segment.running.as_mut()) else {
                continue;
            };
            if (running.compute, running.traffic) == (0, 0) {
                running.exposed = running.exposed.saturating_sub(1);
            }
            running.compute = running.compute.saturating_sub(1 << 20);
            running.traffic = running.traffic.saturating_sub(u128::from(grant));
        }
    }

    /// The bandwidth that each segment is granted now, by filling.
    pub(super) fn grants(&self) -> Vec<u64> {
        let running = |segment: &Option<Seg>| segment.as_ref().and_then(|segment| segment.running);
        let demands: Vec<u64> = self
            .segments
            .iter()
            .map(running)
            .map(|running| running.filter(|running| running.traffic > 0).map_or(0, |running| running.demand))
            .collect();
        let Some(dram) = self.built.platform.shared_dram else { return demands };
        if dram.sharing == Sharing::Static {
            let part = |share: Share| dram.bandwidth.part(share).bytes_per_window();
            let parts = self.segments.iter().map(|of| of.as_ref().map_or(0, |of| part(of.share)));
            return demands.iter().zip(parts).map(|(demand, part)| *demand.min(&part)).collect();
        }
        let whole = u128::from(dram.bandwidth.bytes_per_window());
        let filled =
            |level: u64| -> u128 { demands.iter().map(|demand| u128::from(*demand.min(&level))).sum() };
        // The largest level for which the grants fit, bit by bit from above.
        let mut level = 0;
        for bit in (0..u64::BITS).rev() {
            if filled(level | 1 << bit) <= whole {
                level |= 1 << bit;
            }
        }
        demands.iter().map(|demand| *demand.min(&level)).collect()
    }
}
