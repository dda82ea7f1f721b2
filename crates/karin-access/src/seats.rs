//! A polite number of requests at a time, counted for each server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The seats of every server, made when it is first asked.
#[derive(Debug)]
pub(crate) struct Seats {
    servers: Mutex<HashMap<String, Arc<Semaphore>>>,
    each: usize,
}

/// The right to one connection, as long as it is held.
pub(crate) type Seat = OwnedSemaphorePermit;

impl Seats {
    pub(crate) fn new(each: usize) -> Self {
        Self {
            servers: Mutex::default(),
            each,
        }
    }

    /// Gives a server another number of seats. Those that are taken are not counted: it is for times when none is.
    pub(crate) fn set(&self, server: &str, seats: usize) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.insert(server.to_owned(), Arc::new(Semaphore::new(seats)));
    }

    /// Waits for a seat at a server.
    pub(crate) async fn take(&self, server: &str) -> Seat {
        let semaphore = {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(self.each));
            Arc::clone(servers.entry(server.to_owned()).or_insert_with(new))
        };
        match semaphore.acquire_owned().await {
            Ok(seat) => seat,
            Err(_) => unreachable!("no semaphore is ever closed"),
        }
    }
}
