//! Points on the WGS84 ellipsoid.

/// Equatorial radius in metres (`ellipsoid_semi_major_axis` of the granules).
pub(super) const EQUATOR_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 0.003_352_810_664_747_480_5;
/// Squared eccentricity.
pub(super) const E2: f64 = FLATTENING * (2.0 - FLATTENING);

/// A vector in the Earth-fixed frame, metres or direction.
pub(super) type Vector = [f64; 3];

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    let ([ax, ay, az], [bx, by, bz]) = (a, b);
    ax * bx + ay * by + az * bz
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    let ([ax, ay, az], [bx, by, bz]) = (a, b);
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

pub(super) fn minus(a: Vector, b: Vector) -> Vector {
    let ([ax, ay, az], [bx, by, bz]) = (a, b);
    [ax - bx, ay - by, az - bz]
}

/// `a + factor * b`.
pub(super) fn plus(a: Vector, factor: f64, b: Vector) -> Vector {
    let ([ax, ay, az], [bx, by, bz]) = (a, b);
    // Not `mul_add`: processors of every kind are compiled for, and there that is a call of a function.
    [ax + factor * bx, ay + factor * by, az + factor * bz]
}

pub(super) fn scaled(factor: f64, a: Vector) -> Vector {
    let [x, y, z] = a;
    [factor * x, factor * y, factor * z]
}

pub(super) fn unit(a: Vector) -> Vector {
    scaled(dot(a, a).sqrt().recip(), a)
}

/// Radius of curvature across the meridian where the normal has this z.
pub(super) fn transverse_radius(normal_z: f64) -> f64 {
    EQUATOR_M / (1.0 - E2 * normal_z * normal_z).sqrt()
}

/// Radius of curvature along the meridian where the transverse radius is `n`.
pub(super) fn meridian_radius(n: f64) -> f64 {
    n * n * n * (1.0 - E2) / (EQUATOR_M * EQUATOR_M)
}

/// The point of the ellipsoid whose outward normal is `normal`.
pub(super) fn on_ellipsoid(normal: Vector) -> Vector {
    let [x, y, z] = normal;
    let n = transverse_radius(z);
    [n * x, n * y, n * (1.0 - E2) * z]
}

/// The point of the ellipsoid at that longitude and latitude in degrees.
pub(super) fn ecef(longitude: f64, latitude: f64) -> Vector {
    let (sin_lon, cos_lon) = longitude.to_radians().sin_cos();
    let (sin_lat, cos_lat) = latitude.to_radians().sin_cos();
    on_ellipsoid([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat])
}

/// Longitude (-180 to 180) and geodetic latitude of a point on the ellipsoid (exact there, and to 0.1 mm within a
/// metre of it).
pub(super) fn lon_lat(position: Vector) -> (f64, f64) {
    let [x, y, z] = position;
    (
        y.atan2(x).to_degrees(),
        (z / (1.0 - E2)).atan2(x.hypot(y)).to_degrees(),
    )
}
