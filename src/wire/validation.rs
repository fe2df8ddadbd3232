//! Everything wrong with a body, found while it is read and reported together.

use serde_json::{Map, Value};

use super::members::{self, join};
use crate::text::printable;

/// The most problems of one body that are reported one by one.
const PROBLEMS_MAX: usize = 100;

/// The treatment of a member that no AWS type knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// Report it as a problem.
    #[default]
    Refuse,
    /// Drop it and list its path: RFC 7240's `handling=lenient`.
    Ignore,
}

/// One thing wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The place, as `taskDefinition.containerDefinitions[0].cpu`; empty for the body itself.
    pub path: String,
    /// The fault, and what would be accepted.
    pub message: String,
}

/// Proof that a validation has found a problem: nothing but a validation makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid(());

/// Everything found while one body was read.
#[derive(Debug, Default)]
pub struct Validation {
    unknown: Unknown,
    problems: Vec<FieldError>,
    more: usize,
    ignored: Vec<String>,
}

impl Validation {
    /// Begins a validation.
    pub fn new(unknown: Unknown) -> Self {
        Self {
            unknown,
            ..Self::default()
        }
    }

    /// Adds a problem that a rule beyond the types found.
    pub fn refuse(&mut self, path: impl Into<String>, message: impl Into<String>) -> Invalid {
        self.add(FieldError {
            path: path.into(),
            message: message.into(),
        })
    }

    /// Keeps as many problems as anybody reads, and counts the rest.
    pub(super) fn add(&mut self, problem: FieldError) -> Invalid {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
        Invalid(())
    }

    /// Checks that nothing was found since there were `count` problems.
    ///
    /// # Errors
    /// [`Invalid`] if something was.
    pub(super) fn check_since(&self, count: usize) -> Result<(), Invalid> {
        if self.count() > count {
            Err(Invalid(()))
        } else {
            Ok(())
        }
    }

    /// Counts the problems.
    pub(super) fn count(&self) -> usize {
        self.problems.len() + self.more
    }

    /// Takes the member `name` of the object at `path` out of it, in whatever case the caller wrote it; twice is a
    /// problem. `null` means absent.
    pub fn take(
        &mut self,
        object: &mut Map<String, Value>,
        path: &str,
        name: &str,
    ) -> Option<Value> {
        let first = members::key_of(object, name)?;
        let value = object.shift_remove(&first);
        if let Some(second) = members::key_of(object, name) {
            self.refuse(
                join(path, name),
                format!("given twice, as `{first}` and as `{second}`"),
            );
            object.retain(|key, _| !key.eq_ignore_ascii_case(name));
        }
        value.filter(|value| !value.is_null())
    }

    /// Returns the paths that were dropped as unknown, if nothing was wrong.
    ///
    /// # Errors
    /// Every problem, in the order in which the body holds them.
    pub fn finish(self) -> Result<Vec<String>, Vec<FieldError>> {
        self.finish_with(Ok(())).map(|((), ignored)| ignored)
    }

    /// Returns what was read, and the paths that were dropped as unknown, if nothing was wrong.
    ///
    /// # Errors
    /// Every problem, in the order in which the body holds them.
    pub fn finish_with<T>(
        mut self,
        outcome: Result<T, Invalid>,
    ) -> Result<(T, Vec<String>), Vec<FieldError>> {
        if self.more > 0 {
            self.problems.push(FieldError {
                path: String::new(),
                message: format!("and {} more problems", self.more),
            });
        }
        match outcome {
            Ok(value) if self.problems.is_empty() => Ok((value, self.ignored)),
            Ok(_) | Err(Invalid(())) => Err(self.problems),
        }
    }

    /// Meets the members that are left of the object at `path`, once those of ours were taken out of it: refuses each with
    /// the nearest of `known`, or drops it.
    pub fn refuse_others<'n>(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let known: Vec<_> = known.into_iter().collect();
        for (name, _) in object.iter().filter(|(_, value)| !value.is_null()) {
            let path = join(path, &printable(name));
            self.unknown_member_of("", path, name, known.iter().copied());
        }
    }

    /// Meets a member of AWS that is not known to the SDK that `sdk` names with its version: refuses it with the nearest
    /// of `known`, or drops it. AWS may know it all the same.
    pub(super) fn unknown_member_of<'n>(
        &mut self,
        sdk: &str,
        path: String,
        name: &str,
        known: impl Iterator<Item = &'n str>,
    ) {
        match self.unknown {
            Unknown::Ignore => self.ignored.push(path),
            // Beyond what is reported nobody reads a hint.
            Unknown::Refuse if self.problems.len() >= PROBLEMS_MAX => self.more += 1,
            Unknown::Refuse => {
                let hint = members::nearest(known, name)
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let version = if sdk.is_empty() {
                    String::new()
                } else {
                    format!(" (as of {sdk}; AWS may know more)")
                };
                self.refuse(path, format!("unknown member{hint}{version}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_in_every_spelling_costs_no_more_than_its_length() {
        let name = "serviceregistry";
        let spelled = |bits: u32| -> String {
            let letter = |(index, letter): (usize, char)| {
                if bits >> index & 1 == 1 {
                    letter.to_ascii_uppercase()
                } else {
                    letter
                }
            };
            name.chars().enumerate().map(letter).collect()
        };
        let mut object: Map<_, _> = (0..1 << name.len())
            .map(|bits| (spelled(bits), Value::Null))
            .collect();
        let mut validation = Validation::new(Unknown::Refuse);
        let started = std::time::Instant::now();
        validation.take(&mut object, "", name);
        assert!(
            started.elapsed().as_millis() < 500,
            "{:?}",
            started.elapsed()
        );
        assert_eq!((object.len(), validation.count()), (0, 1));
    }
}
