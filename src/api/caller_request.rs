//! A request that is for no account, or for all that its caller may use.

use crate::aws::Accounts;
use crate::config::{self, Access, Caller};
use crate::deadline::Deadline;
use crate::intake::Call;

/// A request of a known caller over its accounts.
#[derive(Debug)]
pub struct CallerRequest<'r> {
    /// The request as it arrived.
    pub call: &'r Call,
    /// The caller with its grants.
    pub caller: &'r Caller,
    /// All accounts, those that the caller may not use too.
    pub accounts: &'r Accounts,
    /// The moment at which the answer must be on its way.
    pub deadline: Deadline,
    /// Lambda's id of the invocation.
    pub request_id: &'r str,
    /// The longest body that can be answered.
    pub answer_max_bytes: usize,
}

impl<'r> CallerRequest<'r> {
    /// Returns the accounts that the caller may use, by name and in its order, each with the most that may be done there.
    pub fn granted(&self) -> impl Iterator<Item = (&'r str, &'r config::Account, Access)> {
        let caller = self.caller;
        self.accounts
            .settings()
            .filter_map(move |(name, settings)| {
                let mut accesses = [Access::Write, Access::Read].into_iter();
                let most = accesses.find(|access| caller.check(name, *access).is_ok())?;
                Some((name, settings, most))
            })
    }
}
