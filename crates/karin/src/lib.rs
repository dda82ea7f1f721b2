//! karin's public library: simulate, ingest, open, select, reduce, extract.
