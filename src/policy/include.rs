//! What one policy file says where another one that counts more is silent.

use super::file::{File, Guards, Root, Table};

impl File {
    /// Takes from `other` what is not said here. What is said of several things, one by one, is said by both.
    pub fn include(&mut self, other: File) {
        let File { include: _, root, references, tables, orphans, selections, guards, caveats } =
            other;
        self.root.include(root);
        self.references.extend(references);
        for (name, table) in tables {
            match self.tables.get_mut(&name) {
                Some(own) => own.include(table),
                None => drop(self.tables.insert(name, table)),
            }
        }
        self.orphans.extend(orphans);
        for (name, selection) in selections {
            self.selections.entry(name).or_insert(selection);
        }
        self.guards.include(guards);
        self.caveats.extend(caveats);
    }
}

impl Root {
    fn include(&mut self, other: Root) {
        let Root { table, key, name, created_at, scope_columns } = other;
        // Columns are those of their own table.
        let same = |own: &toml::Spanned<String>| table.as_ref().is_none_or(|it| it == own);
        if self.table.as_ref().is_none_or(same) {
            self.key = self.key.take().or(key);
            self.name = self.name.take().or(name);
            self.created_at = self.created_at.take().or(created_at);
        }
        self.table = self.table.take().or(table);
        let own = self.scope_columns.clone();
        self.scope_columns.extend(scope_columns.into_iter().filter(|name| !own.contains(name)));
    }
}

impl Table {
    fn include(&mut self, other: Table) {
        let Table { owning, association, label, files, keep } = other;
        // Both say whose the rows are.
        if self.owning.is_none() && self.association.is_none() {
            (self.owning, self.association) = (owning, association);
        }
        self.label = self.label.take().or(label);
        self.files = self.files.take().or(files);
        self.keep = self.keep.take().or(keep);
    }
}

impl Guards {
    /// What is forbidden anywhere is forbidden.
    fn include(&mut self, other: Guards) {
        self.databases = self.databases.take().or(other.databases);
        self.hosts = self.hosts.take().or(other.hosts);
        self.organizations = self.organizations.take().or(other.organizations);
        self.forbidden_databases.extend(other.forbidden_databases);
        self.forbidden_hosts.extend(other.forbidden_hosts);
        self.forbidden_organizations.extend(other.forbidden_organizations);
        self.max_rows = self.max_rows.take().or(other.max_rows);
        self.shared = self.shared.or(other.shared);
        for (table, condition) in other.test_data {
            self.test_data.entry(table).or_insert(condition);
        }
    }
}
