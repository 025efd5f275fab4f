//! The JSON Schemas of what machines read, made from its types. `UPDATE_EXPECT=1 cargo test schemas` writes them anew;
//! `tests/it/cli/schemas.rs` holds real output against them.

use super::{archives, doctor, graph, history, json, organizations, restoration, summary, verify};
use expect_test::expect_file;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

fn check<T: JsonSchema>(name: &str) {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), format!("orgsweep {name}").into());
    let text = serde_json::to_string_pretty(&schema).expect("a schema serializes") + "\n";
    let file = format!("{}/docs/json/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    expect_file![file].assert_eq(&text);
}

#[test]
fn the_schemas_are_those_of_the_types() {
    check::<json::Document>("preview");
    check::<summary::SeriesDocument>("series");
    check::<verify::VerifyDocument>("verify");
    check::<restoration::RestoreDocument>("restore");
    check::<organizations::OrganizationsDocument>("organizations");
    check::<archives::ArchivesDocument>("archives");
    check::<archives::ManifestDocument>("archive");
    check::<history::HistoryDocument>("history");
    check::<history::RunView>("run");
    check::<history::VerdictDocument>("receipts");
    check::<graph::GraphDocument>("graph");
    check::<doctor::DoctorDocument>("doctor");
    check::<crate::receipt::Receipt>("receipt");
    check::<crate::saved::SavedPlan>("plan");
}
