//! Queries that no path takes.

use serde_json::json;

use super::TestApp;

/// A query, the parameter in it that is at fault, and the message about it.
pub type BadQuery<'q> = (&'q str, &'q str, &'q str);

impl TestApp {
    /// Checks that each of these queries is refused, for one parameter alone, and that nothing is called.
    pub async fn assert_refuses(&self, method: &'static str, path: &str, queries: &[BadQuery<'_>]) {
        for (query, parameter, message) in queries {
            let request = self.request(method, &format!("{path}?{query}"));
            let problem = request.send().await.problem(400);
            let expected = json!([{"path": parameter, "message": message}]);
            assert_eq!(problem["errors"], expected, "{query}");
        }
        assert_eq!(self.aws().operations(), [""; 0]);
    }
}
