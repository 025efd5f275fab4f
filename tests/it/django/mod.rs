//! The defect that orgsweep was made for, in a real Django application with its server running: API
//! tests that pass once and fail ever after, because a protected deal keeps their users.

mod application;

use crate::support::*;
use application::Application;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{iter, thread};

/// What Django says when the API tests try to delete a user who made a deal.
const PROTECTED: [&str; 3] = [
    "ProtectedError",
    "protected foreign keys: 'Deal.created_by'",
    "<Deal: DLID0001 - Global Corp>",
];

/// Turns each test body into one per Django release and backend.
macro_rules! each_django {
    ($($(#[$attribute:meta])* fn $name:ident($app:ident: Application) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn story($app: Application) $body

            each_backend! {
                $(#[$attribute])*
                fn django_4_2(db: TestDatabase) {
                    Application::start("4.2", db).into_iter().for_each(story);
                }

                $(#[$attribute])*
                fn django_5_2(db: TestDatabase) {
                    Application::start("5.2", db).into_iter().for_each(story);
                }
            }
        }
    )*};
}

each_django! {
    fn without_orgsweep_the_api_tests_pass_once_and_never_again(app: Application) {
        let first = app.api_tests().exits(0);
        first.says(&["tests passed", "warning: clean-up failed"]).says(&PROTECTED);
        for _ in 0..2 {
            let later = app.api_tests().exits(1);
            later.says(&["already exists", "FAILED"]).says(&PROTECTED).hides("tests passed");
        }
    }

    fn with_orgsweep_they_pass_ten_times_on_one_server(app: Application) {
        for _ in 0..10 {
            let run = app.api_tests_with_orgsweep().exits(0);
            // The API's own clean-up fails each time: it is orgsweep that makes the next run pass.
            run.says(&["tests passed", "nothing is left"]).says(&PROTECTED).hides("already exists");
        }
        app.manage(&["check", "--database", "default", "--fail-level", "WARNING"]).exits(0);
    }

    fn with_orgsweep_every_row_is_as_before_and_no_reference_dangles(app: Application) {
        let before = app.db.dump();
        app.api_tests_with_orgsweep().exits(0);
        changes(&before, &app.db.dump()).assert_none();
        app.manage(&["dangling"]).exits(0);
    }

    /// Two organizations of one name, and users whose organization an earlier clean-up took from them.
    fn one_clean_cures_what_others_have_left(app: Application) {
        let before = app.db.dump();
        app.manage(&["loaddata", "leftovers"]).exits(0);
        let healed = app.api_tests_with_orgsweep().exits(0);
        healed.says(&["already exists", "tests passed", "nothing is left"]);
        changes(&before, &app.db.dump()).assert_none();
        app.api_tests_with_orgsweep().exits(0).hides("already exists");
    }

    /// As Django itself has it, who has no role stays, and the address with them: it is told, with the flag that takes them.
    fn by_djangos_own_rules_the_users_stay(app: Application) {
        app.api_tests().exits(0);
        let clean = ["clean", "--force", "--yes", "--org-name", "Apex Innovations Inc.", "--config", "django.toml"];
        app.db.orgsweep(&clean).exits(0).says(&["stay behind", "--cascade crm_user.organization_id"]);
        assert_eq!(app.db.count("crm_user WHERE organization_id IS NULL AND email LIKE '%@apex.example'"), 1);
        app.api_tests().exits(1).says(&["already exists"]);
    }

    fn orgsweep_clears_what_runs_without_it_left(app: Application) {
        app.api_tests().exits(0);
        app.api_tests().exits(1);
        let healed = app.api_tests_with_orgsweep().exits(0);
        healed.says(&["already exists", "tests passed", "nothing is left"]);
        app.api_tests_with_orgsweep().exits(0).hides("already exists");
    }

    fn foreign_keys_alone_leave_the_notes_of_generic_relations_behind(app: Application) {
        let before = app.db.dump();
        app.api_tests().exits(0);
        let root = ["--root", "crm_organization", "--org-name", "Apex Innovations Inc."];
        app.db.orgsweep(&[&["clean", "--force", "--yes"], &root[..]].concat()).exits(0);

        let changed = changes(&before, &app.db.dump());
        assert!(changed.gone.is_empty(), "{changed}");
        assert_eq!(changed.new.keys().collect::<Vec<_>>(), ["crm_note"], "{changed}");
        let scan = app.manage(&["dangling"]).exits(1);
        scan.says(&["target -> crm.client", "target -> crm.deal", "2 references dangle"]);
    }
}

each_backend! {
    fn others_work_on_while_orgsweep_cleans_up(db: TestDatabase) {
        let Some(app) = Application::start("5.2", db) else { return };
        let neighbour = app.neighbour();
        let done = AtomicBool::new(false);
        let (runs, answers) = thread::scope(|scope| {
            let reading = scope.spawn(|| {
                let answers = iter::from_fn(|| (!done.load(Relaxed)).then(|| neighbour.deals()));
                answers.collect::<Vec<_>>()
            });
            let runs = [(); 3].map(|()| app.api_tests_with_orgsweep());
            done.store(true, Relaxed);
            (runs, reading.join().expect("the reader ends"))
        });
        for run in runs {
            run.exits(0);
        }
        assert!(!answers.is_empty());
        for answer in answers {
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            assert!(answer.contains("DLID0001 - Apex Innovations Inc."), "{answer}");
        }
    }

    fn the_settings_say_which_database_it_is(db: TestDatabase) {
        let Some(app) = Application::start("5.2", db) else { return };
        let root = ["--root", "crm_organization", "--org-name", "Global Corp"];
        let next = app.orgsweep(&[&["preview", "--force"], &root[..]].concat()).exits(0);
        next.says(&["crm_deal", "next: orgsweep clean", "--manage"]).hides("--database-url");
        app.orgsweep(&["organizations", "--root", "crm_organization"]).exits(0).says(&["Global Corp"]);

        let both = ["organizations", "--database-url", "sqlite:elsewhere.db"];
        app.orgsweep(&both).exits(2).says(&["--database-url and --manage each name a database"]);
        app.orgsweep(&["organizations", "--database", "replica"]).exits(2).says(&["replica' doesn't exist"]);
        let alone = ["organizations", "--database", app.db.url()];
        app.db.orgsweep(&alone).exits(2).says(&["--database-url names a database"]).hides(app.db.url());
    }

    fn the_scan_finds_foreign_keys_that_dangle(db: TestDatabase) {
        let Some(app) = Application::start("5.2", db) else { return };
        app.manage(&["dangling"]).exits(0);
        app.db.execute(app.db.pick(
            "PRAGMA foreign_keys = OFF",
            "SET session_replication_role = replica",
            "SET foreign_key_checks = 0",
        ));
        app.db.execute("DELETE FROM crm_user WHERE email = 'ingrid@global.example'");
        app.manage(&["dangling"]).exits(1).says(&[
            "crm.deal 1: created_by -> crm.user 2",
            "crm.deal_watchers 1: user -> crm.user 2",
            "authtoken.token 5f2c1e0000000000000000000000000000000000: user -> crm.user 2",
        ]);
    }

    fn the_migrations_are_those_of_the_models(db: TestDatabase) {
        let Some(app) = Application::start("5.2", db) else { return };
        app.manage(&["makemigrations", "--check", "--dry-run"]).exits(0);
    }
}
