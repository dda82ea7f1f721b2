//! The parameters that say which values are meant.

use crate::http::params::{Kind, Parameter};

/// The group.
pub const GROUP: Parameter = Parameter::new(
    "group",
    Kind::Text,
    "group of the collection, as L2_LR_SSH_Basic.C.science",
)
.required();
/// The variable that is shown.
pub const VARIABLE: &[Parameter] = &[
    GROUP,
    Parameter::new("var", Kind::Text, "variable: stored, derived, or defined by let").required(),
];
/// What says which of its values are meant, and how they derive.
pub const MEANING: &[Parameter] = &[LET, QUALITY, WHERE, NADIR, FROM, METHOD, SIDE];

/// A derived variable.
pub const LET: Parameter =
    Parameter::new("let", Kind::Text, "derived variable, as name=expression").repeatable();
/// Least quality.
const QUALITY: Parameter = Parameter::new(
    "quality",
    Kind::Word(&["good", "suspect", "degraded", "any"]),
    "least quality of values that are kept",
);
/// Condition.
const WHERE: Parameter = Parameter::new(
    "where",
    Kind::Text,
    "expression that is true where values are kept",
);
/// Values of the nadir altimeter.
const NADIR: Parameter = Parameter::new(
    "nadir",
    Kind::Word(&["keep", "drop", "only"]),
    "nadir values that L3 clips into the swath",
);
/// Height that currents derive from.
pub const FROM: Parameter = Parameter::new("from", Kind::Text, "height that currents derive from");
/// How currents derive.
pub const METHOD: Parameter =
    Parameter::new("method", Kind::Text, "how currents are derived, as l3 or fit:9");
/// Side of the swath.
pub const SIDE: Parameter = Parameter::new("side", Kind::Word(&["left", "right"]), "side of 250 m products");
