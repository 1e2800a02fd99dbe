//! What was said is on the disk (invariant 3; section 6, takeover).

use understudy::journal::{Journal, OpenMode, frame};
use understudy::rules::Rule;

use crate::scene::{Scene, promise};
use crate::support::Client;
use crate::support::disk::{Fate, SimDisk};
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::table::{Finding, missed};

#[test]
fn with_an_ack_before_the_commit_a_power_cut_gives_the_lease_to_another() {
    missed(Rule::AckAfterCommit, || {
        let mut scene = Scene::of(Pair::new(&PairSetup::new()));
        scene.pair.start_new(P);
        scene.pair.until(60, |pair| pair.state(P) == "Serving");
        scene.must_lease(P, &Client::new(1));
        scene.pair.power_off(P);
        scene.pair.start(P);
        scene.pair.until(60, |pair| pair.state(P) == "Serving");
        scene.must_lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

#[test]
fn with_a_bind_ack_before_the_journal_a_failover_that_starts_anew_lacks_leases() {
    missed(Rule::BindAckAfterCommit, || {
        let mut scene = Scene::settled(&PairSetup::new());
        scene.must_lease(P, &Client::new(1));
        scene.pair.run(5);
        scene.pair.power_off(F);
        scene.pair.start(F);
        scene.pair.run(30);
        scene.equal()
    });
}

/// A failover that served and starts anew serves again after (PollRetryMax + 1) x WaitPollRplSecs, however long it
/// would wait for the sync.
#[test]
fn without_the_record_of_a_takeover_a_failover_that_starts_anew_does_not_serve() {
    missed(Rule::TakeoverRecorded, || {
        let mut scene = Scene::settled(&PairSetup::new().failover("WaitSyncStartSecs = 0"));
        scene.take_over();
        scene.pair.kill(F);
        scene.pair.start(F);
        scene.pair.run(9);
        let state = scene.pair.state(F);
        promise(state == "Active", &format!("nobody serves: the failover that did is {state}"))
    });
}

fn commit(journal: &mut Journal<SimDisk>, octet: u8) -> bool {
    let mut records = Vec::new();
    frame::append(&mut records, |out| out.push(octet));
    journal.commit(&records).is_ok()
}

fn open(disk: &SimDisk) -> Result<(Journal<SimDisk>, Vec<u8>), String> {
    let mut read = Vec::new();
    let opened = Journal::open(disk.clone(), OpenMode::Normal, &mut |payload| read.extend_from_slice(payload));
    Ok((opened.map_err(|error| error.to_string())?.0, read))
}

/// A sync fails, the process starts again on the page cache and goes by what it reads there; then the power goes.
fn read_once_and_lost() -> Finding {
    let disk = SimDisk::new(1);
    let (mut journal, _) = open(&disk)?;
    assert!(commit(&mut journal, 1));
    disk.fail_sync_after(0);
    assert!(!commit(&mut journal, 2));
    let (mut journal, read) = open(&disk)?;
    assert!(commit(&mut journal, 3));
    disk.power_cut(Fate::Lost);
    let (_, after) = open(&disk)?;
    promise(
        after == [&read[..], &[3]].concat(),
        &format!("read after the start {read:?}, after the power cut {after:?}"),
    )
}

#[test]
fn without_the_rewrite_at_an_unclean_start_a_lease_is_read_once_and_lost() {
    missed(Rule::RewriteUnclean, read_once_and_lost);
}
