//! The seven nets of the evaluation, with what scheduler, driver and load generator know of each.

use super::contention::Mode;
use super::layer::Layer;
use super::net_layers;

/// A net of the evaluation, in the program's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Net {
    /// ResNet-50.
    Resnet50,
    /// AlexNet.
    Alexnet,
    /// GoogLeNet.
    Googlenet,
    /// SqueezeNet.
    Squeezenet,
    /// A residual net for keyword spotting.
    Kws,
    /// YOLOv2.
    Yolov2,
    /// YOLO-Lite.
    YoloLite,
}

/// Constants of the program for a net.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetFacts {
    /// Name in tables.
    pub name: &'static str,
    /// Its calls, in the order of the driver.
    pub layers: &'static [Layer],
    /// Blocks after which a task of it may be rescheduled.
    pub blocks: u8,
    /// Weight in the draws of the load generator.
    pub draw_weight: u32,
    /// Target at QoS-M, in cycles.
    pub target_cycles: f32,
    /// Isolated latency on two cores that the load generator spaces arrivals by, in cycles.
    pub spacing_cycles: f32,
    /// Measured isolated latency on two cores, in cycles: what throughput and fairness are relative to.
    pub isolated_cycles: u64,
    /// Nets of which a task may run beside one of this net.
    pub partners: &'static [Net],
}

impl Net {
    /// All nets.
    pub const ALL: [Self; 7] = [
        Self::Resnet50,
        Self::Alexnet,
        Self::Googlenet,
        Self::Squeezenet,
        Self::Kws,
        Self::Yolov2,
        Self::YoloLite,
    ];

    /// The net of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|net| net.facts().name == name)
    }

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Its constants in the program.
    #[must_use]
    pub fn facts(self) -> &'static NetFacts {
        &FACTS[self as usize]
    }

    /// The driver's wish for the throttle of the call at this position.
    ///
    /// Partner tasks run with the throttle off, whatever the net.
    #[must_use]
    pub fn mode(self, call: usize) -> Mode {
        let layers = self.facts().layers;
        let is_on = match self {
            Self::Squeezenet | Self::YoloLite => false,
            Self::Alexnet => matches!(layers.get(call), Some(Layer::Product(_))),
            Self::Resnet50 => call + 1 != layers.len(),
            Self::Googlenet => call < 3,
            Self::Kws | Self::Yolov2 => true,
        };
        if is_on { Mode::Decide } else { Mode::Off }
    }
}

static FACTS: [NetFacts; 7] = [
    NetFacts {
        name: "resnet50",
        layers: net_layers::RESNET50,
        blocks: 4,
        draw_weight: 12,
        target_cycles: 50_000_000.0,
        spacing_cycles: 15_070_506.0,
        isolated_cycles: 14_186_582,
        partners: &[Net::Googlenet, Net::Squeezenet, Net::YoloLite, Net::Kws, Net::Alexnet],
    },
    NetFacts {
        name: "alexnet",
        layers: net_layers::ALEXNET,
        blocks: 2,
        draw_weight: 18,
        target_cycles: 33_333_334.0,
        spacing_cycles: 8_382_324.0,
        isolated_cycles: 7_451_485,
        partners: &[Net::Googlenet, Net::Yolov2, Net::Kws, Net::Resnet50],
    },
    NetFacts {
        name: "googlenet",
        layers: net_layers::GOOGLENET,
        blocks: 2,
        draw_weight: 16,
        target_cycles: 33_333_334.0,
        spacing_cycles: 7_070_440.0,
        isolated_cycles: 6_838_849,
        partners: &[],
    },
    NetFacts {
        name: "squeezenet",
        layers: net_layers::SQUEEZENET,
        blocks: 1,
        draw_weight: 30,
        target_cycles: 10_000_000.0,
        spacing_cycles: 2_608_024.0,
        isolated_cycles: 2_514_085,
        partners: &[],
    },
    NetFacts {
        name: "kws",
        layers: net_layers::KWS,
        blocks: 2,
        draw_weight: 21,
        target_cycles: 33_333_334.0,
        spacing_cycles: 9_058_914.0,
        isolated_cycles: 4_940_160,
        partners: &[],
    },
    NetFacts {
        name: "yolov2",
        layers: net_layers::YOLOV2,
        blocks: 3,
        draw_weight: 18,
        target_cycles: 16_666_667.0,
        spacing_cycles: 5_132_036.0,
        isolated_cycles: 8_730_125,
        partners: &[Net::Googlenet, Net::Squeezenet, Net::YoloLite, Net::Kws, Net::Alexnet],
    },
    NetFacts {
        name: "yolo-lite",
        layers: net_layers::YOLO_LITE,
        blocks: 1,
        draw_weight: 25,
        target_cycles: 10_000_000.0,
        spacing_cycles: 1_678_161.0,
        isolated_cycles: 1_414_779,
        partners: &[],
    },
];
