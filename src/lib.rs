//! orgsweep deletes everything that belongs to one organization from a relational database.
//!
//! This is the map of the house; the program is `main.rs`, which parses, runs and exits.
//!
//! # The way of a deletion
//!
//! ```text
//! cli ──> commands ──> introspect::load ──> policy::resolve ──> plan::build ──> execute::{preview, clean} ──> render
//!                      (what the            (what foreign keys  (which tables,  (key tables: find, judge,     (table, json,
//!                       database says)       do not tell)        which order)    delete, prove, commit)        sql, dot, …)
//! ```
//!
//! 1. [`introspect`] reads tables, keys and references in a handful of queries, one file an engine, into a
//!    [`catalog`]: pure data.
//! 2. [`policy`] is the policy file: actions that the application keeps to itself, references that
//!    the database does not know, guards. Resolved, it is a catalog with the references that are meant,
//!    and rules.
//! 3. [`plan`] decides from catalog and rules alone which references are followed, which rows are
//!    unlinked, whose rows a table holds, and in which order ([`graph`]) all of it happens.
//! 4. [`execute`] runs the plan in one transaction. It finds the *closure*, the exact rows, into
//!    temporary *key tables* inside the database (semi-naive evaluation to a fixpoint; where each of
//!    several references would read all of a table, one reading serves them together), asks what
//!    stands in the way ([`plan::Refusal`]), what would be left
//!    behind (`policy/scope`, `execute/scopes`), and, for a clean, unlinks, deletes and proves. Where nothing
//!    must be known before, it deletes rows as it finds them. What it measured is [`findings`]. What found the
//!    rows does not vouch for them: before COMMIT `execute/proof` asks the engine's catalog and `execute/ledger` its
//!    own count, in SQL (`sql/proof`) that knows nothing of the plan's comparisons.
//! 5. Meanwhile [`archive`] keeps every row that goes: complete and on disk before COMMIT.
//! 6. [`render`] turns plan and findings into text, and into pages (`render/html`); a [`receipt`] says who did it and
//!    which one it follows (`receipt/chain`), [`metrics`] tell Prometheus.
//!
//! # A row's way, for example
//!
//! Apex goes with `--force`; deal 7 is Apex's, and names user 3 who made it (`deals.created_by`, RESTRICT).
//! `introspect/sqlite.rs` reads both references of `deals`. `plan/build.rs` follows `organization_id` because it is a CASCADE
//! and `created_by` because of `--force`, and `plan/ownership.rs` says that `organization_id` tells whose a deal is.
//! `execute/closure.rs` puts organization 1 into the key table of `organizations`, then, by SQL of `sql/closure.rs`, deal 7 into
//! that of `deals`. `execute/ownership` asks whether some deal found is somebody else's; `execute/obstacles.rs`, whether
//! something protects it. `execute/archiving.rs` writes it into the archive; `execute/deletion.rs` deletes it before user 3;
//! `execute/proof.rs` finds that nothing names it any more, `execute/ledger.rs` that as many rows went as were found. Then
//! `execute/transaction.rs` sends COMMIT, and `commands/reporting.rs` has it told.
//!
//! Where rows are locked: `sql/closure.rs`, as `for_update` of `engine` says it. Where exit codes are given: [`exit`].
//! What an engine can do and how it says things: [`engine`]; a new one is a file there, one in [`introspect`] and one in [`database`].
//!
//! # Rules of the house
//!
//! - **One direction.** What a module uses stands below it; no two files use each other.
//!   `tests/it/architecture.rs` has the floors, and holds this.
//! - **Pure layers know nothing of I/O.** [`catalog`], [`policy`], [`graph`], [`plan`],
//!   [`selection`], [`address`], [`findings`], [`explanation`], [`restoration`], [`saved`], [`receipt`],
//!   [`metrics`], [`doctor`], [`engine`], [`sql`] and [`render`] neither print nor query, and name no Diesel type.
//! - **One maker of SQL.** Every statement on a user's table is text from [`sql`]: identifiers quoted
//!   by one function, values bound. Each engine's way of saying it is its [`engine::Engine`].
//! - **Backends are told apart** in [`engine`], [`database`], [`introspect`] and [`sql`].
//! - **The executor derives no rule.** Preview and clean share one function up to the first change.
//! - **Nothing per row crosses the wire** but samples; memory in the process stays flat.
//! - **One printer** ([`ui`]), **one reader of the environment** ([`settings`]; clap reads the
//!   `ORGSWEEP_*` variables of [`cli`]), one place that gives errors their codes ([`exit`]). Names from the data are printed through [`label`] only;
//!   commands to be typed next are [`cli::Invocation`]'s.
//!
//! Names that people type mean one thing each by `catalog/names.rs`; which table is the root, [`selection`] finds. A
//! selection's SQL condition is asked read-only, and again under the lock (`execute/closure.rs`); `organizations` lists
//! what a selection means.
//!
//! `explain` asks about one row ([`address`]) what the others ask about all: the same analysis, then back
//! from the row to what was selected; the answer is an [`explanation`].
//!
//! `--per-org` goes the same way once for each organization, and keeps no transaction open between
//! two; how each fared is a [`render::summary`]. `--batch-rows` goes it again and again with less of the
//! closure each time: rows that nothing else names any more, until the organizations' own rows can go.
//!
//! `restore` goes back: [`archive`] ──> [`restoration`] (how it fits the schema) ──> [`execute`] (stage
//! tables, questions, inserts, links). `export` writes an archive of what stays (`execute/export.rs`). A [`saved`] plan is what a preview found, digests of all keys
//! included.
//!
//! [`doctor`] reads the same catalog and plan for what will bite.
//!
//! [`crm`] is the built-in sample database behind `demo`; nothing else knows its schema.

//!
//! # Words of our own
//!
//! | word | meaning |
//! |---|---|
//! | root | the organizations' table, and the rows of it that are selected |
//! | reference | a foreign key, or what the policy or a flag declares to be one |
//! | closure | all rows that go |
//! | key table | a temporary table in the database with the keys of one table's part of the closure |
//! | generation | the number of the statement that found a row, or of its level where one statement followed many |
//! | unlink | to set a surviving row's reference to null or its default |
//! | owner | an organization that a row belongs to; *suspect*: a row of the closure that may have another one |
//! | foreign, shared, global | a row whose owners are others, the selected ones and others, nobody |
//! | scope column | a column that says whose a row is without a foreign key; *left behind*: what it says is ours and would stay |
//! | stranded | a row that an unlink leaves without an organization |
//! | single pass | rows deleted as they are found, from the top down |
//! | run record | the archive, the receipt and the metrics of one run |

mod address;
pub mod archive;
pub mod bug;
pub mod catalog;
pub mod cli;
pub mod commands;
pub mod crm;
pub mod database;
mod doctor;
pub mod engine;
pub mod execute;
pub mod exit;
mod explanation;
mod files;
mod findings;
mod graph;
mod interrupt;
pub mod introspect;
pub mod label;
mod metrics;
pub mod plan;
mod policy;
mod receipt;
mod render;
mod restoration;
mod saved;
pub mod selection;
pub mod settings;
pub mod signals;
pub mod sql;
pub mod ui;
