//! A world that several servers show and a test moves.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::world::World;

/// A world that several servers show and a test moves. Clones are the same world.
#[derive(Clone)]
pub struct SharedWorld(Arc<RwLock<Versioned>>);

struct Versioned {
    world: World,
    version: u64,
}

impl SharedWorld {
    /// Shares a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self(Arc::new(RwLock::new(Versioned { world, version: 0 })))
    }

    /// The world as it is now; cheap.
    #[must_use]
    pub fn read(&self) -> World {
        self.versioned().0
    }

    /// The world as it is now, and its version. Taken together, so that what is indexed under a
    /// version is of that version.
    #[must_use]
    pub fn versioned(&self) -> (World, u64) {
        let shared = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (shared.world.clone(), shared.version)
    }

    /// Moves the world on by so many days.
    pub fn advance(&self, days: u32) {
        let mut shared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        shared.world.advance(days);
        shared.version += 1;
    }

    /// Changes with each [`SharedWorld::advance`], so that servers know when to index anew.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.versioned().1
    }
}

impl fmt::Debug for SharedWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (world, version) = self.versioned();
        f.debug_struct("SharedWorld").field("now", &world.now()).field("version", &version).finish()
    }
}
