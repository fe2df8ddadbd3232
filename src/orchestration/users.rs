//! The services that use a registry or a revision, in whatever cluster: AWS knows no way back from these to them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_ecs::types::{Service, TaskDefinition};
use tokio::sync::Mutex;

use super::lists::list_services_described;
use super::parts::task_definition;
use crate::aws::pages::{PageRequest, PageToken};
use crate::aws::{Account, Error, Kind, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, LogGroupName, TaskDefinitionName};

/// A walk through an account's services, which is made when it is first asked for, and again where it was relied on in vain.
#[derive(Debug)]
pub(super) struct ServiceUsers<'u> {
    account: &'u Account,
    deadline: Deadline,
    /// The ARN of a service that does not count.
    except: Option<Arn>,
    services: Mutex<Option<Arc<Vec<User>>>>,
    /// AWS has refused a delete that relied on them, or not answered it.
    was_in_vain: AtomicBool,
}

/// A service, and what it uses.
#[derive(Debug)]
struct User {
    name: String,
    /// The name of its cluster.
    cluster: String,
    registries: Vec<Arn>,
    revisions: Vec<Arn>,
}

impl<'u> ServiceUsers<'u> {
    /// Will walk through the account's services, but not past the deadline.
    pub fn new(account: &'u Account, deadline: Deadline) -> Self {
        Self::except(account, None, deadline)
    }

    /// Will walk through the account's services but the one of an ARN, and not past the deadline.
    pub fn except(account: &'u Account, service: Option<Arn>, deadline: Deadline) -> Self {
        Self {
            account,
            deadline,
            except: service,
            services: Mutex::default(),
            was_in_vain: AtomicBool::new(false),
        }
    }

    /// Walks now, for at most this deadline, so that the answers cost nothing later.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal, or if the time was over before every service was seen.
    pub async fn prepare(&self, deadline: Deadline) -> Result<(), Error> {
        let walk = self
            .account
            .in_time("ecs:ListServices", deadline, self.services());
        walk.await.map(drop)
    }

    /// Deletes what nobody uses, as far as was seen.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn rely_on(
        &self,
        delete: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        // Who does not wait for the answer does not know it.
        let was_in_vain = self.was_in_vain.swap(true, Ordering::Relaxed);
        let deleted = delete.await;
        if deleted.is_ok() {
            self.was_in_vain.store(was_in_vain, Ordering::Relaxed);
        }
        deleted
    }

    /// Begins another attempt: where a delete was in vain, a service may use by now what nobody used, and there will be another
    /// walk.
    pub async fn begin_again(&self) {
        if self.was_in_vain.swap(false, Ordering::Relaxed) {
            *self.services.lock().await = None;
        }
    }

    /// Returns the services of the last walk, or walks.
    async fn services(&self) -> Result<Arc<Vec<User>>, Error> {
        let mut services = self.services.lock().await;
        if let Some(services) = &*services {
            return Ok(Arc::clone(services));
        }
        let walked = Arc::new(self.walk().await?);
        Ok(Arc::clone(services.insert(walked)))
    }

    /// Returns the name of an ACTIVE service that uses a registry; `None` if there is none.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal, or if the time was over before every service was seen.
    pub async fn of_registry(&self, arn: &Arn) -> Result<Option<String>, Error> {
        self.find(|user| user.registries.iter().any(|used| used == arn))
            .await
    }

    /// Returns the name of an ACTIVE service that runs a revision; `None` if there is none.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal, or if the time was over before every service was seen.
    pub async fn of_revision(&self, arn: &Arn) -> Result<Option<String>, Error> {
        self.find(|user| user.revisions.iter().any(|used| used == arn))
            .await
    }

    /// Returns the name of an ACTIVE service that logs to a group of the account's `logs`; `None` if there is none.
    ///
    /// Only services whose cluster and name make the group's name are looked at.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal, or if the time was over before every service was seen.
    pub async fn of_log_group(&self, name: &LogGroupName) -> Result<Option<String>, Error> {
        let Some(logs) = &self.account.settings.logs else {
            return Ok(None);
        };
        let services = self.services().await?;
        let candidates = services
            .iter()
            .filter(|user| logs.group_of(&user.cluster, &user.name) == name.as_str());
        for user in candidates {
            if self.logs_to(user, name).await? {
                return Ok(Some(user.name.clone()));
            }
        }
        Ok(None)
    }

    async fn logs_to(&self, user: &User, name: &LogGroupName) -> Result<bool, Error> {
        for arn in user.revisions.iter().collect::<BTreeSet<_>>() {
            let revision = TaskDefinitionName::from_answer(arn.as_str());
            let found = task_definition::look(self.account, &revision).await?;
            if found.is_some_and(|found| names_group(&found, name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn find(&self, uses: impl Fn(&User) -> bool) -> Result<Option<String>, Error> {
        let services = self.services().await?;
        Ok(services
            .iter()
            .find(|user| uses(user))
            .map(|user| user.name.clone()))
    }

    async fn walk(&self) -> Result<Vec<User>, Error> {
        let listed = ecs::list_clusters(self.account, PageRequest::whole(self.deadline)).await?;
        if listed.next.is_some() {
            return Err(self.account.too_late("ecs:ListClusters"));
        }
        // One after the other: all of an account's clients share its quota of reads
        // (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>).
        let mut users = Vec::new();
        for cluster in &listed.entries {
            let cluster = self
                .account
                .cluster_of("ecs:ListClusters", cluster.as_str())?;
            users.extend(self.walk_through(&cluster).await?);
        }
        Ok(users)
    }

    async fn walk_through(&self, cluster: &ClusterName) -> Result<Vec<User>, Error> {
        let (mut users, mut start) = (Vec::new(), Some(PageToken::default()));
        while let Some(from) = start {
            let page = PageRequest {
                start: from,
                limit: None,
                deadline: self.deadline,
            };
            let listed = match list_services_described(self.account, cluster, None, page).await {
                Ok(listed) => listed,
                // The cluster was deleted meanwhile.
                Err(error) if error.kind == Kind::NotFound => return Ok(users),
                Err(error) => return Err(error),
            };
            let counts = |service: &&Service| {
                is_active(service) && service.service_arn() != self.except.as_ref().map(Arn::as_str)
            };
            let active = listed.entries.iter().filter(counts);
            users.extend(active.map(User::of));
            start = listed.next;
        }
        Ok(users)
    }
}

/// Returns `true` if a container of a task definition logs to a group.
fn names_group(definition: &TaskDefinition, name: &LogGroupName) -> bool {
    let containers = definition.container_definitions().iter();
    let mut options = containers.filter_map(|container| {
        container
            .log_configuration()?
            .options()?
            .get("awslogs-group")
    });
    options.any(|group| group == name.as_str())
}

fn is_active(service: &Service) -> bool {
    service.status() == Some("ACTIVE")
}

impl User {
    fn of(service: &Service) -> Self {
        let cluster = service.cluster_arn().and_then(|arn| arn.rsplit('/').next());
        let registries = service.service_registries().iter();
        let deployments = service.deployments().iter();
        let revisions = deployments.filter_map(|deployment| deployment.task_definition());
        Self {
            name: service.service_name().unwrap_or_default().to_owned(),
            cluster: cluster.unwrap_or_default().to_owned(),
            registries: registries
                .filter_map(|registry| registry.registry_arn())
                .map(Arn::from_answer)
                .collect(),
            revisions: revisions
                .chain(service.task_definition())
                .map(Arn::from_answer)
                .collect(),
        }
    }
}
