//! The documents: what they show is so, and what they link to is there.

use std::fs;
use std::path::Path;

use ecs_api::config::Config;
use serde_json::{Deserializer, Value};

fn project(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The pages that people read.
const PAGES: [&str; 13] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "events/README.md",
    "docs/adding-an-endpoint.md",
    "docs/api.md",
    "docs/architecture.md",
    "docs/configuration.md",
    "docs/deploy.md",
    "docs/deployments.md",
    "docs/not-running.md",
    "docs/operations.md",
    "docs/performance.md",
];

#[test]
fn every_link_to_a_file_leads_there() {
    for page in PAGES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let folder = folder.parent().unwrap();
        let text = project(page);
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                let is_there = folder.join(target).exists();
                assert!(is_there, "{page} links to `{target}`");
            }
        }
    }
}

/// Returns the anchors of a page's headings, as GitHub makes them.
fn anchors_of(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_to_a_section_leads_there() {
    let mut count = 0;
    for page in PAGES {
        let text = project(page);
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            let Some((file, anchor)) = target.split_once('#').filter(|_| !target.contains("://"))
            else {
                continue;
            };
            let folder = Path::new(page).parent().unwrap();
            let there = if file.is_empty() {
                text.clone()
            } else {
                project(folder.join(file).to_str().unwrap())
            };
            let anchors = anchors_of(&there);
            assert!(
                anchors.iter().any(|each| each == anchor),
                "{page} links to `{target}`"
            );
            count += 1;
        }
    }
    assert!(count > 5, "{count}");
}

#[test]
fn every_page_of_the_documentation_is_held() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(PAGES.contains(&format!("docs/{name}").as_str()), "{name}");
    }
}

#[test]
fn every_room_that_the_architecture_names_is_there() {
    let page = project("docs/architecture.md");
    let rooms = page.split('`').skip(1).step_by(2);
    let rooms = rooms.filter(|room| room.contains('/') && !room.contains('*'));
    let mut count = 0;
    for room in rooms {
        let is_there = Path::new(env!("CARGO_MANIFEST_DIR")).join(room).exists();
        assert!(is_there, "docs/architecture.md names `{room}`");
        count += 1;
    }
    assert!(count > 10, "{count}");
}

/// Returns the first object of JSON in a page, without its indentation.
fn sample_of(page: &str) -> String {
    let lines = page.lines().skip_while(|line| *line != "    {");
    let lines = lines.map_while(|line| line.strip_prefix("    "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whoever copies the sample as it is must not let in whoever has read it too.
#[test]
fn the_sample_configuration_is_valid_but_for_the_digest_that_it_leaves_to_its_reader() {
    let page = project("docs/configuration.md");
    let sample = sample_of(&page);
    let error = Config::parse(sample.as_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("`callers[0].tokenSha256`: expected a SHA-256: 64 hexadecimal digits"),
        "{error}"
    );
    let digest = "9f".repeat(32);
    let completed = sample.replace("THE DIGEST OF A RANDOM TOKEN", &digest);
    Config::parse(completed.as_bytes()).unwrap();
    let words = page.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_digest = |word: &&str| word.len() == 64 && hex::decode(word).is_ok();
    assert_eq!(words.filter(is_digest).count(), 0);
}

#[test]
fn the_example_of_the_readme_is_that_of_the_sample_event() {
    let readme = project("README.md");
    let json_after = |text: &str| -> Value {
        let (_, rest) = readme.split_once(text).unwrap();
        let mut values = Deserializer::from_str(rest).into_iter();
        values.next().unwrap().unwrap()
    };
    let event: Value =
        serde_json::from_str(&project("events/create_orchestration_short.json")).unwrap();
    let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(json_after("-d '"), body);
    let answer: Value =
        serde_json::from_str(&project("events/answers/create_orchestration_short.json")).unwrap();
    assert_eq!(
        json_after("answers, here without most of AWS's members:"),
        answer
    );
}
