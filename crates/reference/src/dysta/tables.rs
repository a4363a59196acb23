//! Look-up tables: what layers take on average, by trace and by architecture.
//!
//! A trace is a file for one model under one sparsity pattern, named after both:
//! `resnet50_filter_sparse20` is of the architecture `resnet50`. A [`FileTable`] holds what its samples
//! really did, and averages over them. [`LookUpTables`] holds the tables of all files in their order,
//! and averages over all files of an architecture for the policies that know nothing of patterns.
//!
//! Quirk 10: whether architectures are averaged is decided by the first file: with a Sanger trace, none
//! are.

use rtmm_workload::{SampleTrace, Schema};

use super::error::DystaError;
use super::sanger;
use super::sums::{pairwise_mean, sum, tail_sums};

/// The sequence length of every attention model, whatever its data set has (quirk 10).
pub const DEFAULT_SEQUENCE_LENGTH: u32 = 512;

/// Latencies and averages of one trace.
///
/// All fields are plain values, so that a table can be stated by hand; [`LookUpTables::merged`] checks
/// that they fit each other. A stated table can hold fewer samples than its averages are of.
#[derive(Clone, Debug, PartialEq)]
pub struct FileTable {
    /// The model and its pattern.
    pub name: String,
    /// Which form the trace had.
    pub schema: Schema,
    /// Number of layers of the model.
    pub layers: usize,
    /// Number of samples that the averages are of: the weight of this trace in its architecture.
    pub averaged_samples: usize,
    /// Latencies of layers, in seconds: a row a sample, a column a layer.
    pub latency_s: Vec<f64>,
    /// The share of zeros, in the same order.
    pub sparsity: Vec<f64>,
    /// Average latency of each layer, in seconds.
    pub average_latency_s: Vec<f64>,
    /// The average share of zeros of each layer, below 1.
    pub average_sparsity: Vec<f64>,
    /// Average latency of all layers together, in seconds.
    pub isolated_latency_s: f64,
}

impl FileTable {
    /// The table of a trace. Attention layers take what [`sanger::latency_s`] says.
    ///
    /// # Errors
    /// [`DystaError::NoLatencies`] where a trace should have latencies and does not.
    pub fn of(trace: &SampleTrace, sequence_length: u32) -> Result<Self, DystaError> {
        let (samples, layers) = (trace.len(), trace.layers());
        let no_latencies = || DystaError::NoLatencies { trace: trace.name.clone() };
        let mut latency_s = Vec::with_capacity(samples * layers);
        let mut sparsity = Vec::with_capacity(samples * layers);
        for sample in 0..samples {
            for layer in 0..layers {
                latency_s.push(match trace.schema {
                    Schema::Sanger => {
                        let density = trace.stated(sample, layer);
                        sanger::latency_s(density, trace.balance(sample, layer), sequence_length)
                    }
                    Schema::EyerissV2 => trace.latency_s(sample, layer).ok_or_else(no_latencies)?,
                });
                sparsity.push(trace.sparsity(sample, layer));
            }
        }
        let isolated: Vec<f64> = latency_s.chunks(layers.max(1)).map(sum).collect();
        Ok(Self {
            name: trace.name.clone(),
            schema: trace.schema,
            layers,
            averaged_samples: samples,
            average_latency_s: column_means(&latency_s, layers),
            average_sparsity: column_means(&sparsity, layers),
            isolated_latency_s: pairwise_mean(&isolated),
            latency_s,
            sparsity,
        })
    }

    /// Number of samples of the table.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.latency_s.len() / self.layers.max(1)
    }

    /// True latencies of the layers of a sample, in seconds.
    #[must_use]
    pub fn latencies_of(&self, sample: usize) -> &[f64] {
        &self.latency_s[sample * self.layers..(sample + 1) * self.layers]
    }

    /// The share of zeros in a layer of a sample.
    #[must_use]
    pub fn sparsity_of(&self, sample: usize, layer: usize) -> f64 {
        self.sparsity[sample * self.layers + layer]
    }

    /// The name up to the first underscore.
    #[must_use]
    pub fn architecture(&self) -> &str {
        self.name.split('_').next().unwrap_or_default()
    }

    fn check(&self) -> Result<(), DystaError> {
        let wrong = if self.layers == 0 || self.averaged_samples == 0 {
            "it is empty"
        } else if !self.latency_s.len().is_multiple_of(self.layers) {
            "latencies are missing"
        } else if self.sparsity.len() != self.latency_s.len() {
            "there are not as many sparsities as latencies"
        } else if self.average_latency_s.len() != self.layers || self.average_sparsity.len() != self.layers {
            "averages are missing"
        } else {
            return Ok(());
        };
        Err(DystaError::Shape { trace: self.name.clone(), layers: self.layers, what: wrong })
    }
}

/// The mean of each column, summed from top to bottom.
fn column_means(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = values.chunks(columns.max(1));
    let count = rows.len() as f64;
    let mut sums = vec![0.0; columns];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums.iter().map(|sum| sum / count).collect()
}

/// The table of a file with what its architecture adds.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedTable {
    /// The file's own table.
    pub file: FileTable,
    /// Average latency of each layer over the files of the architecture, in seconds.
    pub model_latency_s: Vec<f64>,
    /// Average latency of all layers together over the files of the architecture, in seconds: the unit
    /// of deadlines.
    pub model_isolated_latency_s: f64,
    /// Sums of [`FileTable::average_latency_s`] from each layer to the last.
    pub remaining_s: Vec<f64>,
    /// Sums of [`MergedTable::model_latency_s`] from each layer to the last.
    pub model_remaining_s: Vec<f64>,
}

/// The tables of all files, in their order: requests name them by position.
#[derive(Clone, Debug, PartialEq)]
pub struct LookUpTables {
    tables: Vec<MergedTable>,
}

impl LookUpTables {
    /// The tables of traces, in their order.
    ///
    /// # Errors
    /// See [`FileTable::of`] and [`LookUpTables::merged`].
    pub fn of<'t>(
        traces: impl IntoIterator<Item = &'t SampleTrace>,
        sequence_length: u32,
    ) -> Result<Self, DystaError> {
        let files = traces.into_iter().map(|trace| FileTable::of(trace, sequence_length));
        Self::merged(files.collect::<Result<_, _>>()?)
    }

    /// Averages over architectures, weighted by samples; the first file decides whether.
    ///
    /// # Errors
    /// No files, two of one name, parts of a table that do not fit each other, or files of one
    /// architecture with different numbers of layers where they are to be averaged.
    pub fn merged(files: Vec<FileTable>) -> Result<Self, DystaError> {
        let averages = files.first().ok_or(DystaError::NoTraces)?.schema == Schema::EyerissV2;
        for (index, file) in files.iter().enumerate() {
            file.check()?;
            if files[..index].iter().any(|earlier| earlier.name == file.name) {
                return Err(DystaError::SameName { name: file.name.clone() });
            }
        }
        let mut averaged = Vec::with_capacity(files.len());
        for file in &files {
            averaged.push(match averages {
                true => architecture_average(file.architecture(), &files)?,
                false => (file.average_latency_s.clone(), file.isolated_latency_s),
            });
        }
        let tables =
            files.into_iter().zip(averaged).map(|(file, (model_latency_s, isolated_s))| MergedTable {
                remaining_s: tail_sums(&file.average_latency_s),
                model_remaining_s: tail_sums(&model_latency_s),
                file,
                model_latency_s,
                model_isolated_latency_s: isolated_s,
            });
        Ok(Self { tables: tables.collect() })
    }

    /// All tables.
    #[must_use]
    pub fn tables(&self) -> &[MergedTable] {
        &self.tables
    }
}

/// The layers' averages and the mean isolated latency over all files of an architecture.
fn architecture_average(architecture: &str, files: &[FileTable]) -> Result<(Vec<f64>, f64), DystaError> {
    let members = || files.iter().filter(|file| file.architecture() == architecture);
    let Some(first) = members().next() else { return Err(DystaError::NoTraces) };
    let (mut samples, mut isolated_s) = (0.0, 0.0);
    let mut layers_s = vec![0.0; first.layers];
    for file in members() {
        if file.layers != first.layers {
            return Err(DystaError::LayersDiffer {
                architecture: architecture.to_owned(),
                first: first.name.clone(),
                first_layers: first.layers,
                other: file.name.clone(),
                other_layers: file.layers,
            });
        }
        let weight = file.averaged_samples as f64;
        samples += weight;
        isolated_s += weight * file.isolated_latency_s;
        for (sum, latency_s) in layers_s.iter_mut().zip(&file.average_latency_s) {
            *sum += weight * latency_s;
        }
    }
    Ok((layers_s.iter().map(|sum| sum / samples).collect(), isolated_s / samples))
}
