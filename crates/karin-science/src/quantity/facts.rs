//! What the catalogue says of every quantity.

use super::{Height, Quantity};

/// How far a quantity is from the height.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// First derivatives of the height.
    Slope,
    /// Currents.
    Current,
    /// Second derivatives of the height.
    Curvature,
    /// First derivatives of currents.
    Deformation,
    /// Solutions of the balance, and what is missing to it.
    Balance,
}

pub(super) struct Facts {
    pub quantity: Quantity,
    pub name: &'static str,
    pub units: &'static str,
    pub long_name: &'static str,
    pub standard_name: Option<&'static str>,
    pub height: Height,
    pub level: Level,
}

const fn facts(
    quantity: Quantity,
    name: &'static str,
    units: &'static str,
    long_name: &'static str,
    level: Level,
) -> Facts {
    Facts {
        quantity,
        name,
        units,
        long_name,
        standard_name: None,
        height: Height::Anomaly,
        level,
    }
}

impl Facts {
    const fn absolute(mut self) -> Self {
        self.height = Height::Absolute;
        self
    }

    const fn standard(mut self, name: &'static str) -> Self {
        self.standard_name = Some(name);
        self
    }
}

const EAST: &str = "surface_geostrophic_eastward_sea_water_velocity";
const NORTH: &str = "surface_geostrophic_northward_sea_water_velocity";
const EAST_OF_ANOMALY: &str =
    "surface_geostrophic_eastward_sea_water_velocity_assuming_mean_sea_level_for_geoid";
const NORTH_OF_ANOMALY: &str =
    "surface_geostrophic_northward_sea_water_velocity_assuming_mean_sea_level_for_geoid";

/// In the order of [`Quantity`].
#[rustfmt::skip]
pub(super) const FACTS: [Facts; 27] = {
    use Level::{Balance, Current, Curvature, Deformation, Slope};
    use Quantity as Q;
    [
        facts(Q::UGeo, "u_geo", "m s-1", "eastward geostrophic current of the sea level anomaly", Current).standard(EAST_OF_ANOMALY),
        facts(Q::VGeo, "v_geo", "m s-1", "northward geostrophic current of the sea level anomaly", Current).standard(NORTH_OF_ANOMALY),
        facts(Q::UGeoAbs, "u_geo_abs", "m s-1", "eastward geostrophic current of the absolute dynamic topography", Current).standard(EAST).absolute(),
        facts(Q::VGeoAbs, "v_geo_abs", "m s-1", "northward geostrophic current of the absolute dynamic topography", Current).standard(NORTH).absolute(),
        facts(Q::Speed, "speed", "m s-1", "speed of the geostrophic current of the anomaly", Current),
        facts(Q::SpeedAbs, "speed_abs", "m s-1", "speed of the absolute geostrophic current", Current).absolute(),
        facts(Q::Ke, "ke", "m2 s-2", "kinetic energy of the absolute geostrophic current", Current).absolute(),
        facts(Q::Eke, "eke", "m2 s-2", "eddy kinetic energy of the geostrophic current", Current),
        facts(Q::Vorticity, "vorticity", "s-1", "relative vorticity of the geostrophic current", Deformation),
        facts(Q::VorticityOverF, "vorticity_over_f", "1", "geostrophic relative vorticity over f", Deformation),
        facts(Q::Divergence, "divergence", "s-1", "divergence of the geostrophic current", Deformation),
        facts(Q::NormalStrain, "normal_strain", "s-1", "normal strain du/dx - dv/dy of the geostrophic current, x eastward", Deformation),
        facts(Q::ShearStrain, "shear_strain", "s-1", "shear strain dv/dx + du/dy of the geostrophic current, x eastward", Deformation),
        facts(Q::Strain, "strain", "s-1", "total strain of the geostrophic current", Deformation),
        facts(Q::StrainOverF, "strain_over_f", "1", "geostrophic strain over |f|", Deformation),
        facts(Q::OkuboWeiss, "okubo_weiss", "s-2", "geostrophic Okubo-Weiss parameter, strain2 - vorticity2", Deformation),
        facts(Q::OkuboWeissOverF2, "okubo_weiss_over_f2", "1", "geostrophic Okubo-Weiss parameter over f2", Deformation),
        facts(Q::SshGradient, "ssh_gradient", "1", "magnitude of the slope of the sea surface height", Slope),
        facts(Q::SshLaplacian, "ssh_laplacian", "m-1", "Laplacian of the sea surface height", Curvature),
        facts(Q::RossbyNumber, "rossby_number", "1", "Rossby number: geostrophic vorticity over f", Deformation),
        facts(Q::UCyclo, "u_cyclo", "m s-1", "eastward cyclogeostrophic current of the sea level anomaly", Balance),
        facts(Q::VCyclo, "v_cyclo", "m s-1", "northward cyclogeostrophic current of the sea level anomaly", Balance),
        facts(Q::SpeedCyclo, "speed_cyclo", "m s-1", "speed of the cyclogeostrophic current of the sea level anomaly", Balance),
        facts(Q::CycloImbalance, "cyclo_imbalance", "m s-1", "what is missing to the balance of the cyclogeostrophic current", Balance),
        facts(Q::UGeoUncertainty, "u_geo_uncertainty", "m s-1", "uncertainty of the eastward geostrophic current", Current),
        facts(Q::VGeoUncertainty, "v_geo_uncertainty", "m s-1", "uncertainty of the northward geostrophic current", Current),
        facts(Q::VorticityUncertainty, "vorticity_uncertainty", "s-1", "uncertainty of the geostrophic vorticity", Deformation),
    ]
};
