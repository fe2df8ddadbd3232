//! AWS Cloud Map: one function per operation, under AWS's own names.

use aws_sdk_servicediscovery::operation::create_service::{CreateServiceInput, CreateServiceOutput};
use aws_sdk_servicediscovery::types::{Namespace, Service, ServiceFilter, ServiceFilterName, ServiceSummary};

use super::prepared::Prepared;
use super::{Account, Error};

/// `servicediscovery:GetNamespace`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn get_namespace(account: &Account, id: &str) -> Result<Namespace, Error> {
    const OPERATION: &str = "servicediscovery:GetNamespace";
    let call = account.discovery.get_namespace().id(id);
    let answer = call.send().await.map_err(|error| Error::from_sdk(OPERATION, account.role_arn(), error))?;
    answer.namespace.ok_or_else(|| Error::nonsense(OPERATION, account.role_arn(), "Namespace"))
}

/// `servicediscovery:CreateService`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn create_service(account: &Account, input: CreateServiceInput) -> Result<CreateServiceOutput, Error> {
    let call = account.discovery.create_service().customize().interceptor(Prepared(input));
    call.send().await.map_err(|error| Error::from_sdk("servicediscovery:CreateService", account.role_arn(), error))
}

/// `servicediscovery:GetService`, by id or ARN.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn get_service(account: &Account, id: &str) -> Result<Service, Error> {
    const OPERATION: &str = "servicediscovery:GetService";
    let call = account.discovery.get_service().id(id);
    let answer = call.send().await.map_err(|error| Error::from_sdk(OPERATION, account.role_arn(), error))?;
    answer.service.ok_or_else(|| Error::nonsense(OPERATION, account.role_arn(), "Service"))
}

/// `servicediscovery:ListServices` of a namespace, every page, until one of that name is met.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn find_service(account: &Account, namespace_id: &str, name: &str) -> Result<Option<ServiceSummary>, Error> {
    const OPERATION: &str = "servicediscovery:ListServices";
    let filter = ServiceFilter::builder().name(ServiceFilterName::NamespaceId).values(namespace_id).build();
    let filter = filter.map_err(|_| Error::nonsense(OPERATION, account.role_arn(), "filter"))?;
    let mut next_token = None;
    loop {
        let call =
            account.discovery.list_services().filters(filter.clone()).max_results(100).set_next_token(next_token);
        let page = call.send().await.map_err(|error| Error::from_sdk(OPERATION, account.role_arn(), error))?;
        let found = page.services.unwrap_or_default().into_iter().find(|service| service.name() == Some(name));
        next_token = page.next_token;
        if found.is_some() || next_token.is_none() {
            return Ok(found);
        }
    }
}

/// `servicediscovery:DeleteService`, by id.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_service(account: &Account, id: &str) -> Result<(), Error> {
    const OPERATION: &str = "servicediscovery:DeleteService";
    let call = account.discovery.delete_service().id(id);
    call.send().await.map(drop).map_err(|error| Error::from_sdk(OPERATION, account.role_arn(), error))
}
