//! Sends an input that is already whole.

use std::any::type_name;
use std::fmt;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Puts a whole input in place of the empty one that a fluent builder starts with.
///
/// The SDK's builders take their members one by one, which would need a list of all members here; the
/// interceptor swaps the input before it is serialized:
/// `client.create_cluster().customize().interceptor(WholeInput(input)).send()`.
///
/// It runs after the interceptors of the SDK's own operation, so that an idempotency token that the SDK would have
/// filled in is gone: who prepares an input sets its token.
pub(super) struct WholeInput<T>(pub T);

impl<T> fmt::Debug for WholeInput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WholeInput({})", type_name::<T>())
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl<T: Clone + fmt::Debug + Send + Sync + 'static> Intercept for WholeInput<T> {
    fn name(&self) -> &'static str {
        "WholeInput"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut().downcast_mut::<T>();
        let input =
            input.ok_or_else(|| format!("the operation does not take a {}", type_name::<T>()))?;
        *input = self.0.clone();
        Ok(())
    }
}
