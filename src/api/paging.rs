//! Lists a page at a time: the part that a query asks for, as much of it as one answer takes, and the `Link` to what
//! follows.

use aws_smithy_schema::serde::SerializableStruct;
use serde_json::Value;

use super::{Request, query};
use crate::aws::pages::{PageRequest, PageToken, ResultsPage};
use crate::error::Error;
use crate::reply::Reply;
use crate::wire::write::write;

impl Request<'_> {
    /// Returns the part of a list that `limit` (1 to 1000; without it, all) and `nextToken` ask for.
    ///
    /// # Errors
    /// [`Error::Input`] for any other value.
    pub fn page_request(&self) -> Result<PageRequest, Error> {
        let (start, limit) = query::page(self.call)?;
        Ok(PageRequest {
            start,
            limit,
            deadline: self.deadline,
        })
    }

    /// Writes as many of a page's entries as fit into one answer, and returns where the list goes on.
    ///
    /// # Errors
    /// [`Error::Bug`] if an entry can't be written.
    pub fn write_fitting<T: SerializableStruct>(
        &self,
        listed: ResultsPage<T>,
    ) -> Result<(Vec<Value>, Option<PageToken>), Error> {
        let written: Result<_, _> = listed.entries.iter().map(|entry| write(entry)).collect();
        self.cut_to_fit(written?, listed.next)
    }

    /// Answers a list of ARNs, as far as they fit, with a `Link` to what follows.
    ///
    /// # Errors
    /// [`Error::Input`] for a bad `limit` or `nextToken`.
    pub fn answer_arns(&self, listed: ResultsPage) -> Result<Reply, Error> {
        let (arns, next) = self.cut_to_fit(
            listed
                .entries
                .iter()
                .map(|arn| arn.as_str().into())
                .collect(),
            listed.next,
        )?;
        Ok(self.answer_list(arns, next))
    }

    /// Keeps as many entries as the way back takes, at least one, and returns where the list goes on.
    ///
    /// # Errors
    /// [`Error::Input`] for a bad `limit` or `nextToken`.
    pub fn cut_to_fit(
        &self,
        mut entries: Vec<Value>,
        next: Option<PageToken>,
    ) -> Result<(Vec<Value>, Option<PageToken>), Error> {
        let mut bytes = 0;
        let fitting = entries.iter().take_while(|entry| {
            bytes += bytes_in_envelope(&entry.to_string());
            bytes <= self.answer_max_bytes
        });
        let fitting = fitting.count().max(1);
        if fitting >= entries.len() {
            return Ok((entries, next));
        }
        entries.truncate(fitting);
        Ok((entries, Some(self.page_request()?.start.after(fitting))))
    }

    /// Answers a list, with a `Link` to what follows.
    pub fn answer_list(&self, entries: Vec<Value>, next: Option<PageToken>) -> Reply {
        self.link_next(Reply::json(Value::Array(entries)), next)
    }

    /// Adds a `Link` to what follows.
    pub fn link_next(&self, reply: Reply, next: Option<PageToken>) -> Reply {
        match next {
            Some(next) => query::link_next(self.call, reply, &next.to_string()),
            None => reply,
        }
    }
}

/// Returns the bytes of a JSON text as a string of the JSON that Lambda answers.
pub(super) fn bytes_in_envelope(json: &str) -> usize {
    json.len()
        + json
            .bytes()
            .filter(|byte| matches!(byte, b'"' | b'\\'))
            .count()
}
