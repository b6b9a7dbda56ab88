//! What every target does.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use salesmart_core::ErrorKind;
use salesmart_core::receipt::LoadedHow;

use super::places::{Place, SECRET, all};
use super::world::{World, deals, total};
use crate::{Loaded, Snapshot};

const FIRST: [super::world::Deal; 3] =
    [(1, 1_000, Some("one")), (2, 250, None), (3, 99, Some("three"))];

async fn begun() -> (World, Snapshot) {
    let mut world = World::new().await;
    world.write("deal", &[deals(&FIRST)]).await;
    world.write("total", &[total(3)]).await;
    let snapshot = world.release().await;
    (world, snapshot)
}

async fn seen(place: &dyn Place) -> Option<Vec<String>> {
    place.rows("deal", &["id", "amount", "note"]).await
}

fn sent(loaded: &Loaded) -> u64 {
    loaded.tables.iter().map(|table| table.sent).sum()
}

#[tokio::test]
async fn a_release_arrives_and_a_second_time_nothing_happens() {
    for place in all().await {
        let (_, snapshot) = begun().await;
        let target = place.target();
        assert_eq!(target.holds().await.unwrap(), None);
        assert!(target.check().await.iter().all(|finding| finding.ok));
        let loaded = target.load(&snapshot).await.unwrap();
        assert_eq!((loaded.before, loaded.tables.len()), (None, 2));
        assert!(loaded.tables.iter().all(|table| table.how == LoadedHow::Whole));
        assert_eq!(seen(&*place).await.unwrap(), ["1|10.00|one", "2|2.50|", "3|0.99|three"]);
        assert_eq!(place.rows("total", &["n"]).await.unwrap(), ["3"]);
        assert_eq!(target.holds().await.unwrap(), Some(snapshot.release.id));
        // Also for a process that comes later.
        let again = place.target().load(&snapshot).await.unwrap();
        assert_eq!((again.before, sent(&again)), (Some(snapshot.release.id), 0));
        assert!(again.tables.iter().all(|table| table.how == LoadedHow::Unchanged));
    }
}

#[tokio::test]
async fn any_release_may_follow_any_other() {
    for place in all().await {
        let (mut world, first) = begun().await;
        let target = place.target();
        target.load(&first).await.unwrap();
        world.append("deal", &[deals(&[(4, 400, Some("four"))])]).await;
        world.write("total", &[total(4)]).await;
        let second = world.release().await;
        let loaded = target.load(&second).await.unwrap();
        assert_eq!(loaded.before, Some(first.release.id));
        assert_eq!(seen(&*place).await.unwrap().len(), 4);
        assert_eq!(place.rows("total", &["n"]).await.unwrap(), ["4"]);
        // All rows are others, some keys stay.
        world.write("deal", &[deals(&[(1, 1, None), (9, 900, None)])]).await;
        world.write("total", &[total(2)]).await;
        let third = world.release().await;
        target.load(&third).await.unwrap();
        assert_eq!(seen(&*place).await.unwrap(), ["1|0.01|", "9|9.00|"]);
        // Back by two, and forth again.
        target.load(&first).await.unwrap();
        assert_eq!(seen(&*place).await.unwrap().len(), 3);
        assert_eq!(target.holds().await.unwrap(), Some(first.release.id));
        target.load(&third).await.unwrap();
        assert_eq!(seen(&*place).await.unwrap(), ["1|0.01|", "9|9.00|"]);
        // No rows at all is a table all the same.
        world.write("deal", &[deals(&[])]).await;
        world.write("total", &[total(0)]).await;
        let empty = world.release().await;
        target.load(&empty).await.unwrap();
        assert_eq!(seen(&*place).await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_load_that_breaks_leaves_the_release_before_and_goes_on_later() {
    for place in all().await {
        let (mut world, first) = begun().await;
        let target = place.target();
        target.load(&first).await.unwrap();
        world.write("deal", &[deals(&[(7, 700, Some("seven"))])]).await;
        world.write("total", &[total(1)]).await;
        let second = world.release().await;
        place.break_it(second.release.id).await;
        let error = target.load(&second).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Bug, "{error:?}");
        assert!(error.hint().is_some(), "{error:?}");
        assert_eq!(seen(&*place).await.unwrap().len(), 3, "the old release, whole");
        assert_eq!(place.rows("total", &["n"]).await.unwrap(), ["3"]);
        place.mend(second.release.id).await;
        assert_eq!(target.holds().await.unwrap(), Some(first.release.id));
        target.load(&second).await.unwrap();
        assert_eq!(seen(&*place).await.unwrap(), ["7|7.00|seven"]);
        assert_eq!(place.rows("total", &["n"]).await.unwrap(), ["1"]);
    }
}

#[tokio::test]
async fn columns_and_tables_come_and_go() {
    for place in all().await {
        let (mut world, first) = begun().await;
        let target = place.target();
        target.load(&first).await.unwrap();
        // `amount` goes, `note` becomes a number, `stage` comes.
        let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let note: ArrayRef = Arc::new(Int64Array::from(vec![Some(11), None]));
        let stage: ArrayRef = Arc::new(StringArray::from(vec!["won", "lost"]));
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("id", id, true),
            ("stage", stage, true),
            ("note", note, true),
        ])
        .unwrap();
        world.write("deal_stage", std::slice::from_ref(&batch)).await;
        world.write("deal", &[batch]).await;
        let second = world.release().await;
        target.load(&second).await.unwrap();
        let rows = place.rows("deal", &["id", "stage", "note"]).await;
        assert_eq!(rows.unwrap(), ["1|won|11", "2|lost|"]);
        assert_eq!(place.rows("deal", &["amount"]).await, None);
        assert!(place.rows("deal_stage", &["id"]).await.is_some());
        world.remove("deal_stage");
        let third = world.release().await;
        target.load(&third).await.unwrap();
        assert_eq!(place.rows("deal_stage", &["id"]).await, None);
        target.load(&first).await.unwrap();
        assert_eq!(seen(&*place).await.unwrap(), ["1|10.00|one", "2|2.50|", "3|0.99|three"]);
    }
}

#[tokio::test]
async fn a_target_that_is_refused_says_so_without_secrets() {
    for place in all().await {
        let (_, snapshot) = begun().await;
        let target = place.refused();
        let error = target.load(&snapshot).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Bug, "{error:?}");
        let findings = target.check().await;
        assert!(findings.iter().any(|finding| !finding.ok));
        let told = format!("{error:#} {error:?} {:?} {findings:?}", error.causes());
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn every_example_is_a_section_that_works() {
    for kind in crate::all() {
        let node = salesmart_core::yaml::parse("p.yml", kind.example, 1).unwrap();
        let node = node.expand(&|_| Some("value".to_owned())).unwrap();
        let [entry] = node.entries() else {
            panic!("one target in the example of `{}`", kind.name)
        };
        assert_eq!(entry.node.get("target").and_then(|t| t.as_text()), Some(kind.name));
        let with = entry.node.get("with").unwrap();
        let name = salesmart_core::TargetName::new(entry.key.as_str()).unwrap();
        (kind.configure)(&name, with, std::path::Path::new(".")).unwrap();
        assert!((kind.schema)().get("properties").is_some());
        let typed = salesmart_core::yaml::parse("p.yml", "tabels: []\n", 1).unwrap();
        let Err(error) = (kind.configure)(&name, &typed, std::path::Path::new(".")) else {
            panic!("`tabels` was taken by `{}`", kind.name)
        };
        assert!(error.iter().any(|e| e.hint() == Some("did you mean `tables`?")), "{error:?}");
    }
}
