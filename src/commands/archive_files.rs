//! `orgsweep archives files`: which files, of an object store or a folder, belonged to rows that went.

use crate::archive::{Kind, Reader, Section};
use crate::engine::Plain;
use crate::exit::Problem;
use crate::ui::Ui;
use anyhow::Result;

/// What the columns hold, one value a line; as JSON each line is a text. Of those that only the `policy` names an archive
/// may have no rows.
///
/// # Errors
/// The archive has no such column, or one that holds no texts.
pub fn list(
    reader: &Reader,
    (columns, policy): (&[String], &[String]),
    json: bool,
    ui: &mut Ui,
) -> Result<()> {
    let mut wanted: Vec<_> = policy.iter().flat_map(|name| places(reader, name)).collect();
    for name in columns {
        let before = wanted.len();
        wanted.extend(places(reader, name));
        if wanted.len() == before {
            let problem = format!("{} holds no column {name}", reader.path().display());
            return Err(Problem::usage(problem)
                .hint("TABLE.COLUMN; orgsweep archives show --format json lists them all")
                .into());
        }
    }
    reader.rows::<anyhow::Error>(&mut |number, values| {
        let section = &reader.manifest.sections[number];
        for (_, place) in wanted.iter().filter(|(of, _)| *of == number) {
            let column = section.columns.iter().chain(&section.written).nth(*place);
            let column = column.expect("a place is that of a column");
            let value = values[*place].as_deref();
            let now = section.written.len() + place;
            if section.kind == Kind::Unlinked && values[now].as_deref() == value {
                continue;
            }
            let text = match reader.manifest.dialect.plain(&column.type_name, value) {
                Plain::Null => continue,
                Plain::Text(text) => text,
                _ => {
                    let what = format!("{}.{}", section.table_name(), column.name);
                    return Err(Problem::usage(format!("{what} holds no texts")).into());
                }
            };
            if json {
                ui.result(&serde_json::to_string(&text)?);
            } else if !text.is_empty() {
                ui.result(&text);
            }
        }
        Ok(())
    })
}

/// Where the column of this name is, and where what was overwritten in it: section and value. `documents.file`,
/// `public.documents.file`.
fn places(reader: &Reader, name: &str) -> Vec<(usize, usize)> {
    let Some((table, column)) = name.rsplit_once('.') else { return Vec::new() };
    let sections = reader.manifest.sections.iter().enumerate();
    let own = sections
        .filter(|(_, section)| section.table == table || section.table_name().to_string() == table);
    let place = |(number, section): (usize, &Section)| {
        let (columns, before) = match section.kind {
            Kind::Rows => (&section.columns, 0),
            Kind::Unlinked => (&section.written, section.columns.len()),
        };
        Some((number, before + columns.iter().position(|it| it.name == column)?))
    };
    own.filter_map(place).collect()
}
