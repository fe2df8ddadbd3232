//! AWS Cloud Map: one function per operation, under AWS's own names.

use aws_sdk_servicediscovery::config::Builder;
use aws_sdk_servicediscovery::operation::create_service::{
    CreateServiceInput, CreateServiceOutput,
};
use aws_sdk_servicediscovery::types::{
    InstanceSummary, Namespace, NamespaceFilter, NamespaceFilterName, NamespaceSummary, Service,
    ServiceFilter, ServiceFilterName, ServiceSummary, Tag,
};

use super::pages::{Page, PageRequest, ResultsPage, collect};
use super::retries::OnlyRefused;
use super::whole_input::WholeInput;
use super::{Account, Error};
use crate::ids::{Arn, NamespaceId, RegistryId};

/// Calls `servicediscovery:GetNamespace`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn get_namespace(account: &Account, id: &NamespaceId) -> Result<Namespace, Error> {
    const OPERATION: &str = "servicediscovery:GetNamespace";
    let call = account.discovery.get_namespace().id(id.as_str());
    let answer = call.send().await.map_err(account.refused(OPERATION))?;
    answer
        .namespace
        .ok_or_else(|| account.lacking(OPERATION, "Namespace"))
}

/// Calls `servicediscovery:ListNamespaces`: the namespaces of a name, of which there may be several.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](super::Kind::TimedOut) if not even one page came in time.
pub async fn list_namespaces(
    account: &Account,
    name: &str,
    page: PageRequest,
) -> Result<ResultsPage<NamespaceSummary>, Error> {
    const OPERATION: &str = "servicediscovery:ListNamespaces";
    let filter = NamespaceFilter::builder()
        .name(NamespaceFilterName::Name)
        .values(name)
        .build()
        .map_err(|_| account.lacking(OPERATION, "filter"))?;
    let call = account.discovery.list_namespaces().filters(filter);
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            Ok(Page {
                entries: page.namespaces.unwrap_or_default(),
                next_token: page.next_token,
            })
        }
    })
    .await
}

/// Calls `servicediscovery:CreateService`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn create_service(
    account: &Account,
    input: CreateServiceInput,
) -> Result<CreateServiceOutput, Error> {
    let config = Builder::new().retry_classifier(OnlyRefused);
    let call = account
        .discovery
        .create_service()
        .customize()
        .interceptor(WholeInput(input))
        .config_override(config);
    call.send()
        .await
        .map_err(account.refused("servicediscovery:CreateService"))
}

/// Calls `servicediscovery:GetService`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn get_service(account: &Account, id: &RegistryId) -> Result<Service, Error> {
    const OPERATION: &str = "servicediscovery:GetService";
    let call = account.discovery.get_service().id(id.as_str());
    let answer = call.send().await.map_err(account.refused(OPERATION))?;
    answer
        .service
        .ok_or_else(|| account.lacking(OPERATION, "Service"))
}

/// Calls `servicediscovery:ListTagsForResource`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn list_tags_for_resource(account: &Account, arn: &Arn) -> Result<Vec<Tag>, Error> {
    let call = account
        .discovery
        .list_tags_for_resource()
        .resource_arn(arn.as_str());
    let answer = call
        .send()
        .await
        .map_err(account.refused("servicediscovery:ListTagsForResource"))?;
    Ok(answer.tags.unwrap_or_default())
}

/// Returns the namespace of a service. Services made before Cloud Map moved the id have it in their DNS config only.
pub fn namespace_of(service: &Service) -> Option<NamespaceId> {
    #[expect(
        deprecated,
        reason = "Cloud Map answers the old place for old services"
    )]
    let nested = service
        .dns_config()
        .and_then(|config| config.namespace_id());
    service
        .namespace_id()
        .or(nested)
        .map(NamespaceId::from_answer)
}

/// Calls `servicediscovery:ListServices`: a page of the services, of one namespace or of all.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](super::Kind::TimedOut) if not even one page came in time.
pub async fn list_services(
    account: &Account,
    namespace_id: Option<&NamespaceId>,
    page: PageRequest,
) -> Result<ResultsPage<ServiceSummary>, Error> {
    const OPERATION: &str = "servicediscovery:ListServices";
    let filter = namespace_id.map(|id| {
        let filter = ServiceFilter::builder()
            .name(ServiceFilterName::NamespaceId)
            .values(id.as_str())
            .build();
        filter.map_err(|_| account.lacking(OPERATION, "filter"))
    });
    let call = account
        .discovery
        .list_services()
        .set_filters(filter.transpose()?.map(|filter| vec![filter]));
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            Ok(Page {
                entries: page.services.unwrap_or_default(),
                next_token: page.next_token,
            })
        }
    })
    .await
}

/// Calls `servicediscovery:ListInstances`: every instance of a service.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](super::Kind::TimedOut) if not even one page came in time.
pub async fn list_instances(
    account: &Account,
    id: &RegistryId,
    page: PageRequest,
) -> Result<ResultsPage<InstanceSummary>, Error> {
    const OPERATION: &str = "servicediscovery:ListInstances";
    let call = account.discovery.list_instances().service_id(id.as_str());
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            Ok(Page {
                entries: page.instances.unwrap_or_default(),
                next_token: page.next_token,
            })
        }
    })
    .await
}

/// Calls `servicediscovery:DeregisterInstance`. Cloud Map does it after the answer.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn deregister_instance(
    account: &Account,
    id: &RegistryId,
    instance_id: &str,
) -> Result<(), Error> {
    let call = account
        .discovery
        .deregister_instance()
        .service_id(id.as_str())
        .instance_id(instance_id);
    call.send()
        .await
        .map(drop)
        .map_err(account.refused("servicediscovery:DeregisterInstance"))
}

/// Calls `servicediscovery:DeleteService`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_service(account: &Account, id: &RegistryId) -> Result<(), Error> {
    const OPERATION: &str = "servicediscovery:DeleteService";
    let call = account.discovery.delete_service().id(id.as_str());
    call.send()
        .await
        .map(drop)
        .map_err(account.refused(OPERATION))
}
