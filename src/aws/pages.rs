//! Lists of AWS: pages followed to the end, to a limit, or as far as one answer can go.

use std::fmt;
use std::str::FromStr;

use super::{Account, Error};
use crate::deadline::Deadline;
use crate::ids::Arn;

/// The most entries that one List call of ECS returns
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListClusters.html>).
const PAGE_MAX: usize = 100;

/// The most entries of one answer: ARNs of at most 300 bytes in the 6 MB that Lambda may answer
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const LIST_MAX: usize = 15_000;

/// The place at which a list goes on: a page of AWS, and the number of its entries that have been answered. (AWS keeps to
/// the page size that it is asked for, so that this is 0; an AWS that does not is still answered right.)
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageToken {
    token: Option<String>,
    skip: usize,
}

impl PageToken {
    /// Creates the place after `skip` entries of what `token` asks for.
    pub fn new(token: impl Into<String>, skip: usize) -> Self {
        Self {
            token: Some(token.into()),
            skip,
        }
    }

    /// Returns the place after `count` more entries.
    #[must_use]
    pub fn after(self, count: usize) -> Self {
        Self {
            skip: self.skip.saturating_add(count),
            ..self
        }
    }

    /// Returns what asks AWS for the page, or names the part of a list that is put together from several.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns the number of entries that have been answered already.
    pub fn skip(&self) -> usize {
        self.skip
    }
}

impl Page {
    /// Returns a page of ARNs.
    pub fn of_arns(arns: Option<Vec<String>>, next_token: Option<String>) -> Self {
        let arns = arns.unwrap_or_default().into_iter();
        Self {
            entries: arns.map(Arn::from_answer).collect(),
            next_token,
        }
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}",
            self.skip,
            self.token.as_deref().unwrap_or_default()
        )
    }
}

impl FromStr for PageToken {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (skip, token) = text.split_once('.').unwrap_or((text, ""));
        let skip: u32 = skip.parse()?;
        Ok(Self {
            skip: skip as usize,
            token: (!token.is_empty()).then(|| token.to_owned()),
        })
    }
}

/// A part of a list.
#[derive(Debug)]
pub struct ResultsPage<T = Arn> {
    /// Its entries, in AWS's order.
    pub entries: Vec<T>,
    /// The place at which the list goes on, unless this was its end.
    pub next: Option<PageToken>,
}

/// One page as AWS answered it.
pub(super) struct Page<T = Arn> {
    pub entries: Vec<T>,
    pub next_token: Option<String>,
}

/// The part of a list that is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// The place to begin at.
    pub start: PageToken,
    /// The most entries to answer; `None` is all of them.
    pub limit: Option<usize>,
    /// The time to answer what there is.
    pub deadline: Deadline,
}

impl PageRequest {
    /// Asks for the whole list.
    pub fn whole(deadline: Deadline) -> Self {
        Self {
            start: PageToken::default(),
            limit: None,
            deadline,
        }
    }
}

/// Follows the pages that `fetch` gets, each by its size and token.
///
/// At the deadline the answer is what has come so far; if that is nothing, an error of the kind
/// [`TimedOut`](super::Kind::TimedOut).
pub(super) async fn collect<T, F>(
    operation: &'static str,
    account: &Account,
    request: PageRequest,
    mut fetch: impl FnMut(i32, Option<String>) -> F,
) -> Result<ResultsPage<T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let limit = request.limit.unwrap_or(LIST_MAX);
    let (mut entries, mut place) = (Vec::new(), request.start);
    loop {
        let left = limit - entries.len();
        let page_size =
            i32::try_from(place.skip.saturating_add(left).min(PAGE_MAX)).unwrap_or(i32::MAX);
        let page = match request
            .deadline
            .limit(fetch(page_size, place.token.clone()))
            .await
        {
            Ok(page) => page?,
            Err(_) if entries.is_empty() => {
                return Err(Error::too_late(operation, account.role_arn()));
            }
            Err(_) => {
                return Ok(ResultsPage {
                    entries,
                    next: Some(place),
                });
            }
        };
        let total = page.entries.len();
        let answered = place.skip.saturating_add(left).min(total);
        let is_cut = answered < total;
        entries.extend(page.entries.into_iter().take(answered).skip(place.skip));
        let next_token = page.next_token.filter(|token| !token.is_empty());
        let next = if is_cut {
            Some(PageToken {
                skip: answered,
                ..place
            })
        } else {
            next_token.map(|token| PageToken {
                token: Some(token),
                skip: place.skip.saturating_sub(total),
            })
        };
        match next {
            Some(next) if entries.len() < limit => place = next,
            next => return Ok(ResultsPage { entries, next }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_survives_being_written() {
        for text in ["0.abc", "2.", "7.a.b=="] {
            assert_eq!(text.parse::<PageToken>().unwrap().to_string(), text);
        }
        assert_eq!(
            "2".parse(),
            Ok(PageToken {
                token: None,
                skip: 2
            })
        );
        for wrong in ["", "abc", "-1.", "4294967296.x", "99999999999999999999.x"] {
            assert!(wrong.parse::<PageToken>().is_err(), "{wrong}");
        }
    }
}
