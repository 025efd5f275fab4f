//! What people call tables and references. A name means one thing or nothing: `SCHEMA.TABLE` means that table, `TABLE`
//! first the one that is found without a schema, and a name as it is written comes before one in another case.

use super::{Catalog, ReferenceId, TableId, TableName};
use std::collections::BTreeSet;

/// Why a name does not mean one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misnomer {
    /// Nothing is called so.
    Unknown,
    /// These are, each as a name that means it alone.
    Ambiguous(Vec<String>),
}

/// How well a name fits, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Shown,
    Bare,
    WholeInAnyCase,
    ShownInAnyCase,
    BareInAnyCase,
}

/// A table, or the partition of one that alone has a reference.
#[derive(Debug, Clone, Copy)]
enum Holder {
    Table(TableId),
    Partition(ReferenceId),
}

impl Catalog {
    /// The table that people mean by `text`.
    ///
    /// # Errors
    /// None is called so, or several are equally well.
    pub fn table_named(&self, text: &str) -> Result<TableId, Misnomer> {
        let tables = self.table_ids().map(|id| (id, &self.table(id).name));
        match self.best(tables, text)[..] {
            [] => Err(Misnomer::Unknown),
            [table] => Ok(table),
            ref several => Err(Misnomer::Ambiguous(
                several.iter().map(|id| self.table_spelling(*id)).collect(),
            )),
        }
    }

    /// The references that people mean by `text`: `TABLE.COLUMN[,COLUMN…]`, `TABLE.CONSTRAINT` or a constraint's name;
    /// with `→ TABLE` (or `->`) only those to that table. Several are over the same columns of one table.
    ///
    /// # Errors
    /// None is called so, or such of several tables or columns are.
    pub fn references_named(&self, text: &str) -> Result<Vec<ReferenceId>, Misnomer> {
        if let Some((from, to)) = text.split_once('→').or_else(|| text.split_once("->")) {
            let parent = self.table_named(to.trim())?;
            let mut found = self.references_named(from.trim())?;
            found.retain(|id| self.reference(*id).parent == parent);
            return if found.is_empty() { Err(Misnomer::Unknown) } else { Ok(found) };
        }
        let by_table = text.rmatch_indices('.').map(|(dot, _)| {
            let (table, rest) = (&text[..dot], &text[dot + 1..]);
            self.references_of(&self.best(self.holders(), table), rest)
        });
        let by_constraint = || -> Vec<ReferenceId> {
            let named = |id: &ReferenceId| self.reference(*id).name.as_deref() == Some(text);
            self.reference_ids().filter(named).collect()
        };
        let mut found = by_table.chain(std::iter::once_with(by_constraint));
        let found = found.find(|found: &Vec<ReferenceId>| !found.is_empty()).unwrap_or_default();
        let columns = |id: &ReferenceId| (self.reference(*id).child, &self.reference(*id).columns);
        let distinct: BTreeSet<_> = found.iter().map(columns).collect();
        match distinct.len() {
            0 => Err(Misnomer::Unknown),
            1 => Ok(found),
            _ => {
                let spelled = found.iter().map(|id| self.reference_spelling(*id));
                Err(Misnomer::Ambiguous(spelled.collect()))
            }
        }
    }

    /// Of these tables and partitions, the references over `rest`, columns or a constraint's name.
    fn references_of(&self, holders: &[Holder], rest: &str) -> Vec<ReferenceId> {
        let held = |id: &ReferenceId| {
            holders.iter().any(|holder| match holder {
                Holder::Table(table) => self.reference(*id).child == *table,
                Holder::Partition(reference) => reference == id,
            })
        };
        let of = |fits: &dyn Fn(ReferenceId) -> bool| -> Vec<ReferenceId> {
            self.reference_ids().filter(held).filter(|id| fits(*id)).collect()
        };
        let columns = |id: ReferenceId| self.reference(id).columns.join(",");
        let listed = rest.split(',').map(str::trim).collect::<Vec<_>>().join(",");
        let exact = of(&|id| columns(id) == rest || columns(id) == listed);
        let or_named = |exact: Vec<ReferenceId>| {
            if exact.is_empty() {
                of(&|id| self.reference(id).name.as_deref() == Some(rest))
            } else {
                exact
            }
        };
        let found = or_named(exact);
        if found.is_empty() { of(&|id| columns(id).eq_ignore_ascii_case(&listed)) } else { found }
    }

    fn holders(&self) -> impl Iterator<Item = (Holder, &TableName)> {
        let tables = self.table_ids().map(|id| (Holder::Table(id), &self.table(id).name));
        let partitions = self
            .reference_ids()
            .filter_map(|id| Some((Holder::Partition(id), self.reference(id).partition.as_ref()?)));
        tables.chain(partitions)
    }

    /// Of these the ones that `text` fits best.
    fn best<'a, T: Copy>(
        &self,
        named: impl Iterator<Item = (T, &'a TableName)>,
        text: &str,
    ) -> Vec<T> {
        let fitting = named.filter_map(|(one, name)| Some((self.fit(name, text)?, one)));
        let fitting: Vec<(Fit, T)> = fitting.collect();
        let best = fitting.iter().map(|(fit, _)| *fit).min();
        fitting.iter().filter(|(fit, _)| Some(*fit) == best).map(|(_, one)| *one).collect()
    }

    fn fit(&self, name: &TableName, text: &str) -> Option<Fit> {
        let spellings = [self.whole(name), name.to_string(), name.name.clone()];
        let exact = [Fit::Whole, Fit::Shown, Fit::Bare];
        let in_any_case = [Fit::WholeInAnyCase, Fit::ShownInAnyCase, Fit::BareInAnyCase];
        let first = |fits: [Fit; 3], same: &dyn Fn(&str) -> bool| {
            let mut both = fits.into_iter().zip(&spellings);
            both.find(|(_, spelling)| same(spelling)).map(|(fit, _)| fit)
        };
        first(exact, &|spelling| spelling == text)
            .or_else(|| first(in_any_case, &|spelling| spelling.eq_ignore_ascii_case(text)))
    }

    /// `public.users`, for the default schema, too.
    fn whole(&self, name: &TableName) -> String {
        match name.qualifier().or(self.default_schema.as_deref()) {
            Some(schema) => format!("{schema}.{}", name.name),
            None => name.name.clone(),
        }
    }

    /// A name that means this table alone: as it is shown, where that does.
    pub fn table_spelling(&self, id: TableId) -> String {
        let name = &self.table(id).name;
        let shown = name.to_string();
        if self.table_named(&shown) == Ok(id) { shown } else { self.whole(name) }
    }

    /// The same of a reference: over its columns, or by its constraint's name.
    fn reference_spelling(&self, id: ReferenceId) -> String {
        let reference = self.reference(id);
        let table = match &reference.partition {
            Some(partition) => self.whole(partition),
            None => self.table_spelling(reference.child),
        };
        format!("{table}.{}", reference.columns.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::catalog;
    use super::*;
    use expect_test::{Expect, expect};

    /// `users` in the default schema, in `billing`, and `Users` in `crm`; each with a reference to itself.
    fn namesakes() -> Catalog {
        let mut catalog = catalog(
            "users(id, boss -> users cascade)
             users(id, boss -> users restrict, org -> users cascade)
             Users(id, boss -> Users restrict)
             sites(id, owner -> users cascade)",
        );
        for (n, (schema, found_in)) in
            [(None, Some("public")), (Some("billing"), None), (Some("crm"), None)]
                .iter()
                .enumerate()
        {
            catalog.tables[n].name.schema = schema.map(str::to_owned);
            catalog.tables[n].name.found_in = found_in.map(str::to_owned);
        }
        catalog.default_schema = Some("main".into());
        catalog
    }

    fn check(names: &[&str], expected: Expect) {
        let catalog = namesakes();
        let meant = |name: &&str| {
            let found = match name.strip_prefix("table ") {
                Some(table) => catalog.table_named(table).map(|id| format!("table {}", id.0)),
                None => catalog.references_named(name).map(|ids| {
                    ids.iter()
                        .map(|id| catalog.reference_name(*id))
                        .collect::<Vec<_>>()
                        .join(" and ")
                }),
            };
            let text = found.unwrap_or_else(|misnomer| match misnomer {
                Misnomer::Unknown => "unknown".into(),
                Misnomer::Ambiguous(names) => format!("ambiguous: {}", names.join(" or ")),
            });
            format!("{name}: {text}\n")
        };
        expected.assert_eq(&names.iter().map(meant).collect::<String>());
    }

    #[test]
    fn a_table_is_named_with_its_schema_or_is_the_default_schemas() {
        check(
            &[
                "table users",
                "table public.users",
                "table billing.users",
                "table Users",
                "table USERS",
                "table crm.users",
                "table main.sites",
                "table public.sites",
            ],
            expect![[r#"
                table users: table 0
                table public.users: table 0
                table billing.users: table 1
                table Users: table 2
                table USERS: table 0
                table crm.users: table 2
                table main.sites: table 3
                table public.sites: unknown
            "#]],
        );
    }

    #[test]
    fn a_reference_is_its_tables_and_no_namesakes() {
        check(
            &[
                "users.boss",
                "public.users.boss",
                "billing.users.boss",
                "crm.Users.BOSS",
                "users.org",
                "sites.owner -> billing.users",
                "sites.owner → users",
            ],
            expect![[r#"
                users.boss: users.boss
                public.users.boss: users.boss
                billing.users.boss: billing.users.boss
                crm.Users.BOSS: crm.Users.boss
                users.org: unknown
                sites.owner -> billing.users: unknown
                sites.owner → users: sites.owner
            "#]],
        );
    }

    #[test]
    fn what_several_are_called_is_refused_with_names_that_are_not() {
        let mut catalog = namesakes();
        catalog.tables[0].name = catalog.tables[2].name.clone();
        catalog.tables[0].name.schema = Some("hr".into());
        catalog.references[0].name = Some("boss_fkey".into());
        catalog.references[1].name = Some("boss_fkey".into());
        let ambiguous = |names: &[&str]| {
            Misnomer::Ambiguous(names.iter().map(|name| (*name).to_owned()).collect())
        };
        assert_eq!(catalog.table_named("Users"), Err(ambiguous(&["hr.Users", "crm.Users"])));
        let both = ambiguous(&["hr.Users.boss", "billing.users.boss"]);
        assert_eq!(catalog.references_named("boss_fkey"), Err(both));
        assert_eq!(catalog.references_named("hr.Users.boss_fkey"), Ok(vec![ReferenceId(0)]));
    }
}
