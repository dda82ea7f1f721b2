//! Connections that are kept and lent: opening one takes many round trips.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::AccessError;
use crate::seats::{Seat, Seats};

/// Connections that nobody uses at the moment, by server.
pub(super) struct Pool<C> {
    idle: Mutex<HashMap<String, Vec<C>>>,
    seats: Seats,
}

/// A connection that is lent. Dropped it is closed, because nobody knows in the middle of what; [`Lent::give_back`]
/// keeps it for the next.
pub(super) struct Lent<C> {
    pub connection: C,
    server: String,
    pool: Arc<Pool<C>>,
    _seat: Seat,
}

impl<C> Pool<C> {
    /// With so many connections to each server at a time.
    pub(super) fn new(each: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::default(),
            seats: Seats::new(each),
        })
    }

    /// A connection that is idle, or one that `open` opens.
    pub(super) async fn borrow(
        self: &Arc<Self>,
        server: &str,
        open: impl AsyncFnOnce() -> Result<C, AccessError>,
    ) -> Result<Lent<C>, AccessError> {
        let seat = self.seats.take(server).await;
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.get_mut(server).and_then(Vec::pop)
        };
        let connection = match idle {
            Some(connection) => connection,
            None => open().await?,
        };
        Ok(Lent {
            connection,
            server: server.to_owned(),
            pool: Arc::clone(self),
            _seat: seat,
        })
    }
}

impl<C> Lent<C> {
    /// Keeps the connection for the next who asks. Nothing may be under way on it.
    pub(super) fn give_back(self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(self.server).or_default().push(self.connection);
    }
}
