//! The record as a model: requests and watches in any order, messages twice and late, invocations that die anywhere.

use proptest::prelude::*;

use super::assess::{Assessment, assess};
use super::watch::{Meaning, Watch, interpret};
use super::*;

/// The milliseconds that an invocation lasts, and its lease.
const INVOCATION: u64 = 30_000;
const LEASE: u64 = 35_000;

/// One table with one key, and everybody who is at it.
#[derive(Debug, Default)]
struct Model {
    now_ms: u64,
    item: Option<Record>,
    actors: Vec<Actor>,
    messages: Vec<Watch>,
    /// The generations that are done, and were not begun anew.
    done: Vec<u64>,
}

/// A request or a watch that holds the record, or wants to.
#[derive(Debug, Clone)]
struct Actor {
    wanted: Record,
    began_at: u64,
    stage: Stage,
    is_watch: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// It has sent nothing yet.
    Fresh,
    /// It was refused, and looks at what is there.
    Waiting,
    /// It makes things, or takes them back, under this record.
    AtWork(Box<Record>),
    /// It has ended, or died.
    Gone,
}

fn draft(owner: usize, body: &str, now_ms: u64) -> Record {
    Record {
        id: "key".to_owned(),
        version: 1,
        generation: now_ms,
        body: body.to_owned(),
        owner: format!("owner-{owner}"),
        account: "nonprod".to_owned(),
        names: Names::default(),
        state: State::Running,
        lease: now_ms + LEASE,
        expires: now_ms / 1000 + 24 * 3600,
        arns: Vec::new(),
    }
}

fn watch_of(record: &Record) -> Watch {
    let identity = Identity {
        id: record.id.clone(),
        body: record.body.clone(),
        is_keyed: true,
        account: String::new(),
        caller: String::new(),
        request_id: String::new(),
    };
    Watch::of(record, &identity)
}

impl Model {
    /// Writes as DynamoDB does: the condition of a first write.
    fn put_first(&mut self, record: &Record) -> bool {
        let holds = self.item.as_ref().is_none_or(|found| {
            found.expires < self.now_ms / 1000
                || (found.body == record.body && found.state == State::Undone)
        });
        self.put(record, holds)
    }

    /// Writes as DynamoDB does: the condition of a later write.
    fn put_next(&mut self, record: &Record) -> bool {
        let holds = self
            .item
            .as_ref()
            .is_some_and(|found| found.version + 1 == record.version);
        self.put(record, holds)
    }

    fn put(&mut self, record: &Record, holds: bool) -> bool {
        if holds {
            self.item = Some(record.clone());
        }
        holds
    }

    fn arrive(&mut self, body: &str) {
        let wanted = draft(self.actors.len(), body, self.now_ms);
        self.actors.push(Actor {
            wanted,
            began_at: self.now_ms,
            stage: Stage::Fresh,
            is_watch: false,
        });
    }

    /// Lets an actor do its next step; one whose time is over has died.
    fn step(&mut self, index: usize, is_success: bool) {
        let mut actor = self.actors[index].clone();
        let is_over = self.now_ms > actor.began_at + INVOCATION;
        actor.stage = match actor.stage.clone() {
            _ if is_over => Stage::Gone,
            Stage::Fresh => {
                self.messages.push(watch_of(&actor.wanted));
                if self.put_first(&actor.wanted) {
                    Stage::AtWork(Box::new(actor.wanted.clone()))
                } else {
                    Stage::Waiting
                }
            }
            Stage::Waiting => self.settle(&actor.wanted),
            Stage::AtWork(record) => {
                self.finish(&record, actor.is_watch, is_success);
                Stage::Gone
            }
            Stage::Gone => Stage::Gone,
        };
        self.actors[index] = actor;
    }

    fn settle(&mut self, wanted: &Record) -> Stage {
        match assess(self.item.as_ref(), wanted, self.now_ms) {
            Assessment::Free if self.put_first(wanted) => Stage::AtWork(Box::new(wanted.clone())),
            Assessment::Abandoned(found) => {
                let taken = taken_over(&found, wanted);
                if self.put_next(&taken) {
                    Stage::AtWork(Box::new(taken))
                } else {
                    Stage::Waiting
                }
            }
            Assessment::OtherBody | Assessment::Done(_) => Stage::Gone,
            Assessment::Free | Assessment::UnderWay => Stage::Waiting,
        }
    }

    fn finish(&mut self, record: &Record, is_watch: bool, is_success: bool) {
        let state = match (is_watch, is_success) {
            (false, true) => State::Done,
            _ => State::Undone,
        };
        let ended = Record {
            state,
            ..record.next()
        };
        if self.put_next(&ended) && state == State::Done {
            self.done.push(record.generation);
        }
    }

    /// Delivers a message; it stays in the queue, to come again, unless it is settled.
    fn deliver(&mut self, index: usize, is_kept: bool) {
        let watch = self.messages[index].clone();
        let meaning = interpret(self.item.as_ref(), &watch, self.now_ms);
        if meaning == Meaning::Abandoned
            && let Some(found) = self.item.clone()
        {
            let taken = Record {
                state: State::TakingBack,
                lease: self.now_ms + LEASE,
                ..found.next()
            };
            assert!(self.put_next(&taken));
            self.actors.push(Actor {
                wanted: taken.clone(),
                began_at: self.now_ms,
                stage: Stage::AtWork(Box::new(taken)),
                is_watch: true,
            });
        }
        // A message whose attempt is at work is delivered again unless the attempt ends well.
        if meaning == Meaning::Settled && !is_kept {
            self.messages.remove(index);
        }
    }

    /// Nobody is at work beside somebody else who may still be.
    fn check(&self) -> Result<(), TestCaseError> {
        let at_work = self.actors.iter().filter(|actor| {
            let is_alive = self.now_ms <= actor.began_at + INVOCATION;
            is_alive && matches!(actor.stage, Stage::AtWork(_))
        });
        prop_assert!(at_work.count() <= 1, "two are at work: {self:#?}");
        if let Some(found) = &self.item {
            let was_done = self.done.contains(&found.generation);
            prop_assert!(
                !was_done || found.state == State::Done,
                "what was done is taken back: {self:#?}"
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_is_at_work_at_a_time_and_every_record_comes_to_an_end(
        events in prop::collection::vec((0..5_u8, any::<prop::sample::Index>(), any::<bool>(), 0..20_000_u64), 1..60)
    ) {
        let mut model = Model { now_ms: 1_795_356_486_000, ..Model::default() };
        for (kind, index, flag, time) in events {
            match kind {
                0 if model.actors.len() < 6 => model.arrive(if time < 1_000 { "another" } else { "body" }),
                1 if !model.messages.is_empty() => {
                    let index = index.index(model.messages.len());
                    model.deliver(index, flag);
                }
                2 | 3 if !model.actors.is_empty() => {
                    let index = index.index(model.actors.len());
                    model.step(index, flag);
                }
                _ => model.now_ms += time,
            }
            model.check()?;
        }
        // Everybody dies, and the queue delivers what it has, until nothing comes of it.
        for _ in 0..4 {
            model.now_ms += 2 * LEASE;
            for index in (0..model.messages.len()).rev() {
                model.deliver(index, false);
                model.check()?;
                let last = model.actors.len().saturating_sub(1);
                if model.actors.last().is_some_and(|actor| actor.is_watch) {
                    model.step(last, true);
                }
            }
        }
        let state = model.item.map(|found| found.state);
        prop_assert!(matches!(state, None | Some(State::Done | State::Undone)), "{state:?}");
    }
}
