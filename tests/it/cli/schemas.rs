//! What `--format json` prints is what `docs/json` says.

use super::small;
use crate::support::*;
use serde_json::Value;
use std::path::Path;

#[track_caller]
fn holds(schema: &str, document: &Value) {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/json/{schema}.schema.json"));
    let text = std::fs::read_to_string(&file).expect("a schema");
    let read: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&read).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{schema}: {errors:#?}\n{document:#}");
    // And nothing that it does not tell of.
    let known = read["properties"].as_object().expect("properties");
    for name in document.as_object().expect("an object").keys() {
        assert!(known.contains_key(name), "{schema} does not know {name}");
    }
}

each_backend! {
    fn documents_are_as_their_schemas_say(db: TestDatabase) {
        small(&db);
        db.execute("CREATE TABLE logs (id integer PRIMARY KEY, organization_id integer)");
        db.execute("INSERT INTO logs VALUES (1, 1)");
        let asked = |words: &[&str]| db.orgsweep(&[words, &["--format", "json"]].concat()).json();
        let file = db.directory().join("plan.json");
        let (plan, kept) = (file.display().to_string(), ["--archive-dir", "archives"]);
        let apex = ["--org-name", "Apex"];
        let forced = [&apex[..], &["--force", "--leave-behind"]].concat();
        holds("preview", &asked(&[&["preview"][..], &apex].concat()));
        holds("preview", &asked(&[&["preview"][..], &forced, &["--save-plan", &plan]].concat()));
        holds("plan", &asked(&["plan", "show", &plan]));
        holds("series", &asked(&["preview", "--per-org", "--org-id", "1", "--org-id", "2"]));
        holds("organizations", &asked(&["organizations", "--rows"]));
        holds("organizations", &asked(&["organizations", "--org-name", "Nobody"]));
        holds("graph", &asked(&[&["graph"][..], &apex].concat()));
        holds("doctor", &asked(&["doctor"]));
        holds("verify", &asked(&["verify", "--org-id", "1"]));
        let clean = [&["clean", "--yes"][..], &forced, &kept].concat();
        let cleaned = asked(&clean);
        holds("preview", &cleaned);
        holds("verify", &asked(&[&["verify", "--org-id", "1"][..], &kept].concat()));
        holds("archives", &asked(&[&["archives"][..], &kept].concat()));
        let archive = cleaned["archives"][0].as_str().expect("an archive");
        holds("archive", &asked(&["archives", "show", archive]));
        holds("history", &asked(&[&["history"][..], &kept].concat()));
        holds("run", &asked(&[&["history", "show", "latest"][..], &kept].concat()));
        holds("receipts", &asked(&[&["history", "--verify"][..], &kept].concat()));
        holds("restore", &asked(&["restore", archive, "--dry-run"]));
        let receipt = archive.replace(".tar.zst", ".receipt.json");
        let receipt = std::fs::read_to_string(db.directory().join(receipt)).expect("a receipt");
        holds("receipt", &serde_json::from_str(&receipt).expect("JSON"));
        holds("restore", &asked(&["restore", archive]));
    }
}
