//! The search in one account: its clusters side by side, at a pace that leaves room for other clients of the account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ecs::types::{Service, TaskDefinition};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::{After, Filter, Finding};
use crate::aws::pages::{PageRequest, PageToken};
use crate::aws::revisions::known_revision;
use crate::aws::{Account, Error, Kind, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, ServiceName, TaskDefinitionName};

/// The clusters of one account that are looked at at once.
const PARALLEL: usize = 3;
/// The task definitions that are asked for at once, of the services of one call.
const DEFINITIONS_AT_ONCE: usize = 10;
/// The time for which a call is waited for, its retries included. An account that takes longer is not answered, so that the
/// others are.
const PATIENCE: Duration = Duration::from_secs(8);
/// The entries of a page of a list: the most that ECS answers.
const LIST_PAGE: usize = 100;

/// The search in one account.
#[derive(Clone, Copy)]
pub(super) struct Look<'l> {
    pub account: &'l Account,
    pub filter: &'l Filter,
    /// The most services.
    pub limit: usize,
    pub deadline: Deadline,
}

/// The findings of one account.
#[derive(Default)]
pub(super) struct Part {
    /// Each finding, and what has been answered with it.
    pub entries: Vec<(After, Finding)>,
    /// The rest of an account that is not at its end.
    pub rest: Option<Rest>,
}

/// The rest of an account, after what has been answered of it, if anything has.
pub(super) struct Rest {
    pub after: Option<After>,
}

/// The findings of one cluster.
#[derive(Default)]
struct InCluster {
    services: Vec<(String, Service)>,
    /// The last service that was looked at, where more are left.
    rest: Option<String>,
}

/// The images of task definitions by their ARNs, each of which is asked for once. No revision ever changes.
type Images = Mutex<BTreeMap<String, Arc<OnceCell<Vec<String>>>>>;

impl Look<'_> {
    /// Looks through the account, after what has been answered of it.
    pub async fn look(self, after: Option<After>) -> Part {
        let listed = self.deadline.limit(self.clusters()).await;
        let clusters = match listed {
            Ok(Ok(clusters)) => clusters,
            Ok(Err(error)) => return Part::refused(after, error),
            Err(_) => {
                return Part {
                    rest: Some(Rest { after }),
                    ..Part::default()
                };
            }
        };
        let mut left = clusters;
        left.retain(|cluster| {
            let after = after.as_ref();
            after.is_none_or(|after| !after.is_behind(cluster.as_str()))
        });
        let mut to_look_at = left.len();
        let images = Images::default();
        let mut looks = stream::iter(left)
            .map(|cluster| {
                let begin = after
                    .as_ref()
                    .and_then(|after| after.within(cluster.as_str()));
                let look = self.in_cluster(cluster.clone(), begin.map(str::to_owned), &images);
                async move { (cluster, look.await) }
            })
            .buffered(PARALLEL);
        let (mut part, mut found, mut answered) = (Part::default(), 0, after.clone());
        loop {
            let Ok(next) = self.deadline.limit(looks.next()).await else {
                part.rest = Some(Rest { after: answered });
                return part;
            };
            let Some((cluster, looked)) = next else {
                return part;
            };
            let cluster = cluster.as_str();
            to_look_at -= 1;
            match looked {
                Ok(looked) => {
                    found += looked.services.len();
                    for (name, service) in looked.services {
                        let entry = Finding::Service(Box::new(service));
                        part.entries.push((After::service(cluster, &name), entry));
                    }
                    let is_full = found >= self.limit && to_look_at > 0;
                    answered = Some(match looked.rest {
                        Some(last) => {
                            let after = Some(After::service(cluster, &last));
                            part.rest = Some(Rest { after });
                            return part;
                        }
                        None => After::cluster(cluster),
                    });
                    if is_full {
                        part.rest = Some(Rest { after: answered });
                        return part;
                    }
                }
                // It has been deleted since it was listed, or was never there.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => {
                    let is_all = concerns_account(&error);
                    let named = (!is_all).then(|| cluster.to_owned());
                    let refused = Finding::Refused {
                        cluster: named,
                        error,
                    };
                    part.entries.push((After::cluster(cluster), refused));
                    if is_all {
                        return part;
                    }
                    answered = Some(After::cluster(cluster));
                }
            }
        }
    }

    /// Returns the clusters to look through, in the order of their names.
    async fn clusters(self) -> Result<Vec<ClusterName>, Error> {
        let region = self.account.account_region();
        if let Some(cluster) = &self.filter.cluster {
            // The handler has taken a name for one only if it can be one.
            return Ok(ClusterName::parse(cluster, &region).into_iter().collect());
        }
        let mut clusters = Vec::new();
        let mut start = Some(PageToken::default());
        while let Some(at) = start {
            let list = Box::pin(ecs::list_clusters(self.account, page_at(at)));
            let page = self.call("ecs:ListClusters", list).await?;
            let names = page.entries.iter();
            clusters.extend(names.filter_map(|arn| ClusterName::parse(arn.as_str(), &region).ok()));
            start = page.next;
        }
        clusters.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        Ok(clusters)
    }

    async fn in_cluster(
        self,
        cluster: ClusterName,
        begin: Option<String>,
        images: &Images,
    ) -> Result<InCluster, Error> {
        let mut found = InCluster::default();
        if let Some(name) = self.filter.whole_name() {
            if begin.is_none() {
                self.look_at_one(&cluster, name, images, &mut found).await?;
            }
            return Ok(found);
        }
        let mut arns = self.services(&cluster).await?;
        arns.retain(|arn| {
            let begin = begin.as_deref();
            begin.is_none_or(|begin| name_in(arn.as_str()) > begin)
        });
        let mut batches = arns.chunks(ecs::DESCRIBE_SERVICES_MAX).peekable();
        while let Some(batch) = batches.next() {
            let describe = ecs::describe_services(self.account, &cluster, batch);
            let services = self
                .call("ecs:DescribeServices", Box::pin(describe))
                .await?;
            self.take(services, images, &mut found).await?;
            let is_enough = found.services.len() >= self.limit;
            if is_enough && batches.peek().is_some() {
                found.rest = batch.last().map(|arn| name_in(arn.as_str()).to_owned());
                break;
            }
        }
        Ok(found)
    }

    /// Looks at the service of a whole name.
    async fn look_at_one(
        self,
        cluster: &ClusterName,
        name: &str,
        images: &Images,
        found: &mut InCluster,
    ) -> Result<(), Error> {
        let region = self.account.account_region();
        let Ok(name) = ServiceName::parse(name, &region, cluster) else {
            return Ok(());
        };
        let describe = ecs::describe_service(self.account, cluster, &name);
        let service = self
            .call("ecs:DescribeServices", Box::pin(describe))
            .await?;
        self.take(service, images, found).await
    }

    /// Returns the ARNs of a cluster's services whose names are looked for, in the order of the names.
    async fn services(self, cluster: &ClusterName) -> Result<Vec<Arn>, Error> {
        let mut arns = Vec::new();
        let mut start = Some(PageToken::default());
        while let Some(at) = start {
            let launch_type = self.filter.launch_type.clone();
            let list = ecs::list_services(self.account, cluster, launch_type, page_at(at));
            let page = self.call("ecs:ListServices", Box::pin(list)).await?;
            let entries = page.entries.into_iter();
            arns.extend(entries.filter(|arn| self.filter.takes_name(name_in(arn.as_str()))));
            start = page.next;
        }
        arns.sort_by(|one, other| name_in(one.as_str()).cmp(name_in(other.as_str())));
        Ok(arns)
    }

    /// Keeps the services that are looked for, without their events: they are most of it.
    async fn take(
        self,
        services: impl IntoIterator<Item = Service>,
        images: &Images,
        found: &mut InCluster,
    ) -> Result<(), Error> {
        let services = services
            .into_iter()
            .filter(|service| self.filter.takes(service));
        let mut looked_at = stream::iter(services)
            .map(async |service| {
                let is_wanted = self.has_image(&service, images).await?;
                Ok(is_wanted.then_some(service))
            })
            .buffered(DEFINITIONS_AT_ONCE);
        while let Some(service) = looked_at.next().await {
            let Some(mut service) = service? else {
                continue;
            };
            service.events = None;
            let name = service.service_name().unwrap_or_default().to_owned();
            found.services.push((name, service));
        }
        Ok(())
    }

    /// Returns `true` if a service runs an image that is looked for.
    async fn has_image(self, service: &Service, images: &Images) -> Result<bool, Error> {
        let Some(part) = &self.filter.image else {
            return Ok(true);
        };
        let Some(arn) = service.task_definition() else {
            return Ok(false);
        };
        let of_revision = {
            let mut images = images.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(images.entry(arn.to_owned()).or_default())
        };
        let images = of_revision.get_or_try_init(|| self.images_of(arn)).await?;
        Ok(images.iter().any(|image| image.contains(part)))
    }

    /// Returns the images of a task definition: as it was looked at lately, or by a call. What a search looks at is not
    /// remembered beyond it, since it would drive out what is deployed.
    async fn images_of(self, arn: &str) -> Result<Vec<String>, Error> {
        let region = self.account.account_region();
        let Ok(name) = TaskDefinitionName::parse(arn, &region) else {
            return Ok(Vec::new());
        };
        if let Some(known) = known_revision(self.account, arn) {
            return Ok(images_in(&known.definition));
        }
        let describe = ecs::describe_task_definition(self.account, &name);
        let answer = match self
            .call("ecs:DescribeTaskDefinition", Box::pin(describe))
            .await
        {
            // Deleted for good, while the service is still of it.
            Err(error) if error.kind == Kind::NotFound => return Ok(Vec::new()),
            answer => answer?,
        };
        let definition = answer.task_definition.as_ref();
        Ok(definition.map(images_in).unwrap_or_default())
    }

    /// Makes a call at the account's pace, and waits so long for it.
    async fn call<T>(
        self,
        operation: &'static str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.account.keep_pace().await;
        timeout(PATIENCE, call)
            .await
            .unwrap_or_else(|_| Err(self.account.too_late(operation)))
    }
}

/// Asks for one page of a list. The end of the search's time is for [`Look::look`] to see: it is no refusal of the account's.
fn page_at(start: PageToken) -> PageRequest {
    PageRequest {
        start,
        limit: Some(LIST_PAGE),
        deadline: Deadline::of(0, None),
    }
}

impl Part {
    fn refused(after: Option<After>, error: Error) -> Self {
        let place = after.unwrap_or_else(|| After::cluster(""));
        let refused = Finding::Refused {
            cluster: None,
            error,
        };
        Self {
            entries: vec![(place, refused)],
            rest: None,
        }
    }
}

/// Returns `true` if what one cluster met, the others of the account would meet too: then they are not asked.
fn concerns_account(error: &Error) -> bool {
    matches!(
        error.kind,
        Kind::AssumeRole
            | Kind::NoSession
            | Kind::Blocked
            | Kind::Throttled
            | Kind::TimedOut
            | Kind::Unavailable
    )
}

fn images_in(definition: &TaskDefinition) -> Vec<String> {
    let containers = definition.container_definitions().iter();
    containers
        .filter_map(|container| container.image().map(str::to_owned))
        .collect()
}

/// `arn:aws:ecs:…:service/cluster/name` → `name`.
fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
