//! netCDF granules in and out: a parallel reader of HDF5 and classic files, and an exact netCDF-4 writer.
