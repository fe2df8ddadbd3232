//! The look for the service of a failed flow: with it the flow is done, and its parts stay.

use std::time::Duration;

use aws_sdk_ecs::types::Service;
use tokio::time::sleep;

use super::{ATTEMPT, MAY_APPEAR, Undo};
use crate::aws::{Error, ecs};
use crate::orchestration::parts::{PAUSE, SETTLES, service};
use crate::orchestration::undo_log::{Answer, Change, Entry};

/// The time for which a service is waited for that AWS was asked for and did not answer.
const SILENCE: Duration = Duration::from_secs(5);

/// The service as a look shows it.
pub(super) enum Sight {
    Found(Box<Service>),
    Absent,
    /// It can't be looked at, for this reason.
    Hidden(String),
}

impl Undo<'_> {
    /// Looks for the service, for as long as AWS may be at work on it.
    pub(super) async fn find_service(&self, entry: &Entry) -> Sight {
        if is_unseen_update(entry) {
            return Sight::Hidden(MAY_APPEAR.to_owned());
        }
        let patience = match (entry.answer, entry.heard_at) {
            (_, None) => Duration::ZERO,
            (Answer::Silent, _) => SILENCE,
            // Not seen is not gone: an AWS that is not well for a moment is asked again.
            (Answer::Failed | Answer::Made, _) => SETTLES,
        };
        let patient = self.deadline.keeping(ATTEMPT).within(patience);
        loop {
            let look = self.look_for_service(&entry.change);
            let look = self.deadline.within(ATTEMPT).limit(Box::pin(look)).await;
            let sight = match look {
                Ok(Ok(Some(service))) => return Sight::Found(Box::new(service)),
                Ok(Ok(None)) => Sight::Absent,
                Ok(Err(error)) => Sight::Hidden(error.to_string()),
                Err(elapsed) => Sight::Hidden(elapsed.to_string()),
            };
            if patient.limit(sleep(PAUSE)).await.is_err() {
                return sight;
            }
        }
    }

    /// Looks whether the service is as a change was to make it.
    async fn look_for_service(&self, change: &Change) -> Result<Option<Service>, Error> {
        match change {
            Change::Service { cluster, service } => {
                service::find_marked(self.account, self.mark, cluster, service).await
            }
            Change::Update {
                cluster,
                service,
                revision: Some(revision),
                is_new_revision,
                ..
            } => {
                let found = ecs::describe_service(self.account, cluster, service).await?;
                // One that was there before may run until the deployment that follows it is over.
                let is_updated = |service: &Service| {
                    service::wants(service, revision.as_str())
                        || *is_new_revision && service::runs(service, revision.as_str())
                };
                Ok(found.filter(is_updated))
            }
            _ => Ok(None),
        }
    }
}

/// Returns `true` if nothing would show that an update was done.
fn is_unseen_update(entry: &Entry) -> bool {
    matches!(entry.change, Change::Update { revision: None, .. })
}
