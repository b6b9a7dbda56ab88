//! Folders of releases that are no longer kept.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use salesmart_core::{ReleaseId, Result};

use super::manifest::{FolderPlan, PLAN, failed, get};

/// Removes the folders of releases, but `current` and the newest of the others, so that `keep`
/// stay. What has no plan of ours in it is not ours, and stays.
///
/// # Errors
/// When the store cannot be listed or refuses to delete.
pub(super) async fn remove(store: &dyn ObjectStore, current: &str, keep: usize) -> Result<()> {
    let listed = store
        .list_with_delimiter(None)
        .await
        .map_err(|e| failed("failed to list the folders of the target".to_owned(), e))?;
    let mut folders: Vec<(ReleaseId, u32, String)> = listed
        .common_prefixes
        .iter()
        .filter_map(|path| order(path.as_ref()))
        .filter(|(_, _, folder)| folder != current)
        .collect();
    folders.sort();
    let others = keep.saturating_sub(1);
    folders.truncate(folders.len().saturating_sub(others));
    for (_, _, folder) in folders {
        let plan = Path::from(format!("{folder}/{PLAN}"));
        if get::<FolderPlan>(store, plan.as_ref()).await?.is_none() {
            continue;
        }
        let what = || format!("failed to remove `{folder}` of the target");
        let files: Vec<_> = store
            .list(Some(&Path::from(folder.as_str())))
            .try_collect()
            .await
            .map_err(|e| failed(what(), e))?;
        // The plan goes last: a folder that was removed in part is known as ours the next time.
        let files = files.into_iter().map(|file| file.location).filter(|path| *path != plan);
        for path in files.chain([plan.clone()]) {
            match store.delete(&path).await {
                // Somebody else was quicker.
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(what(), error)),
            }
        }
    }
    Ok(())
}

/// `r000012_2` is the second folder of that release.
fn order(folder: &str) -> Option<(ReleaseId, u32, String)> {
    let (release, number) = match folder.split_once('_') {
        Some((release, number)) => (release, number.parse().ok()?),
        None => (folder, 1),
    };
    Some((release.parse().ok()?, number, folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use object_store::PutPayload;
    use object_store::memory::InMemory;

    use super::super::manifest::put;
    use super::*;

    async fn store_of(folders: &[&str]) -> InMemory {
        let store = InMemory::new();
        for folder in folders {
            let plan = FolderPlan { run_id: "run".to_owned(), settings: String::new() };
            put(&store, &format!("{folder}/{PLAN}"), &plan).await.unwrap();
            let table = Path::from(format!("{folder}/kpi.win_rate.csv"));
            store.put(&table, PutPayload::from_static(b"n")).await.unwrap();
        }
        store
    }

    async fn folders(store: &InMemory) -> Vec<String> {
        let listed = store.list_with_delimiter(None).await.unwrap();
        let mut names: Vec<String> =
            listed.common_prefixes.iter().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn the_current_release_and_the_newest_of_the_others_stay() {
        let all = ["r000009", "r000010", "r000010_2", "r000011", "r000100"];
        let store = store_of(&all).await;
        remove(&store, "r000100", 3).await.unwrap();
        assert_eq!(folders(&store).await, ["r000010_2", "r000011", "r000100"]);
        // After rolling back, the current one is not the newest.
        remove(&store, "r000010_2", 2).await.unwrap();
        assert_eq!(folders(&store).await, ["r000010_2", "r000100"]);
        remove(&store, "r000010_2", 1).await.unwrap();
        assert_eq!(folders(&store).await, ["r000010_2"]);
    }

    #[tokio::test]
    async fn what_is_not_ours_stays() {
        let store = store_of(&["r000001", "r000002"]).await;
        for path in ["r000000/notes.txt", "reports/plan.json", "r1x/plan.json"] {
            store.put(&Path::from(path), PutPayload::from_static(b"{}")).await.unwrap();
        }
        remove(&store, "r000002", 1).await.unwrap();
        assert_eq!(folders(&store).await, ["r000000", "r000002", "r1x", "reports"]);
    }
}
