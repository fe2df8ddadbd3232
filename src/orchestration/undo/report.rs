//! The fate of what a failed flow had made, as its problem lists it.

use crate::ids::Arn;
use crate::orchestration::leftover::Leftover;
use crate::orchestration::record::End;

/// The fate of the changes that a failed flow had made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct UndoReport {
    /// The ARNs of everything that the flow had created.
    pub created: Vec<Arn>,
    /// Those of them that are gone.
    pub rolled_back: Vec<Arn>,
    /// Those that are, or may be, still there.
    pub left_behind: Vec<Leftover>,
    /// The least hopeful thing that can be said of what is left.
    pub standing: Standing,
}

/// The prospects of everything that an undo has left, from the most hopeful on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing is left.
    #[default]
    Clean,
    /// It stays: somebody else uses it.
    Kept,
    /// It goes once something has happened.
    Pending,
    /// It goes once somebody has done something.
    Refused,
    /// AWS may still be at work on it.
    Doubtful,
}

impl Standing {
    /// Returns the end of an undertaking of which this is to be said.
    pub(in crate::orchestration) fn end(self) -> End {
        match self {
            Self::Clean | Self::Kept => End::Undone,
            Self::Pending | Self::Refused => End::Unfinished,
            Self::Doubtful => End::Doubtful,
        }
    }
}

impl UndoReport {
    /// Returns `true` if nothing was made.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.rolled_back.is_empty() && self.left_behind.is_empty()
    }

    /// Returns `true` if everything is as it was before.
    pub fn is_clean(&self) -> bool {
        self.left_behind.is_empty()
    }
}
