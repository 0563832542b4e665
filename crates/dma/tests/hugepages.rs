//! Huge pages: taken, touched to the last byte, given back; and the refusal when there are too few. Alone in its process, and
//! one test, so that the counts are its own. Without 8 free pages only the refusals are tested.
use dma::{Arena, Backing, Class, Error, HUGE_PAGE, Options, Pool, hugepages, hugepages_free};
use std::path::PathBuf;

fn huge(dir: Option<PathBuf>, single_file: bool, pages: usize) -> Options {
    Options { backing: Backing::Huge { dir }, single_file, reserve: pages * HUGE_PAGE }
}

/// Huge pages that this process has touched and not given back.
fn touched() -> usize {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let counts = maps.lines().filter(|line| line.contains("_Hugetlb:"));
    let kib: usize = counts.map(|line| line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()).sum();
    kib * 1024 / HUGE_PAGE
}

/// A hugetlbfs mount with pages of 2 MiB, if there is one.
fn mount() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let huge = mounts.lines().filter(|line| line.contains(" hugetlbfs ") && line.contains("pagesize=2M"));
    huge.map(|line| PathBuf::from(line.split(' ').nth(1).unwrap_or_default())).next()
}

#[test]
fn huge_pages_are_had_and_given_back_or_refused_with_the_remedy() {
    refused_when_there_are_too_few();
    refused_in_a_directory_that_is_not_of_huge_pages();
    if hugepages_free() < 8 {
        println!("only {} huge pages are free: use of 8 not tested, only their refusal", hugepages_free());
        return;
    }
    for single_file in [false, true] {
        used_and_given_back(None, single_file);
    }
    match mount() {
        Some(dir) => used_and_given_back(Some(dir), true),
        None => println!("no hugetlbfs is mounted: memory in a directory not tested"),
    }
}

fn refused_when_there_are_too_few() {
    let wanted = hugepages().total + 50_000;
    let refusal = Arena::new(huge(None, true, wanted)).unwrap_err();
    let text = refusal.to_string();
    match refusal {
        Error::TooLittle { needed, found, page_size, .. } => {
            assert_eq!((needed, page_size), (wanted * HUGE_PAGE, HUGE_PAGE));
            assert!(found <= hugepages().total * HUGE_PAGE);
            assert!(text.contains("sudo tee /proc/sys/vm/nr_hugepages"), "{text}");
        }
        Error::System { .. } => println!("this kernel has no huge pages: {text}"),
        other => panic!("{other}"),
    }
    assert!(text.contains("--no-huge"), "{text}");
}

fn refused_in_a_directory_that_is_not_of_huge_pages() {
    let text = Arena::new(huge(Some("/proc/self".into()), true, 1)).unwrap_err().to_string();
    assert!(text.contains("/proc/self is not a hugetlbfs mount") && text.contains("--no-huge"), "{text}");
    let text = Arena::new(huge(Some("/no/such/place".into()), true, 1)).unwrap_err().to_string();
    assert!(text.contains("/no/such/place"), "{text}");
}

fn used_and_given_back(dir: Option<PathBuf>, single_file: bool) {
    let free = hugepages_free();
    let arena = Arena::new(huge(dir, single_file, 2)).unwrap();
    let mut pool = Pool::new(&arena, &[Class { size: 64 << 10, count: 16 }]).unwrap();
    let region = arena.region(3 * HUGE_PAGE - 5).unwrap();
    let small = arena.region(4096).unwrap();
    region.write(0, &vec![7; region.len()]);
    small.write(0, &[8; 4096]);
    let mut data = pool.take(64 << 10).unwrap();
    data.bytes_mut().fill(9);
    assert!(region.eq(0, &vec![7; region.len()]) && small.eq(0, &[8; 4096]));
    let usage = arena.usage();
    assert!(usage.huge && usage.used > 3 * HUGE_PAGE && usage.mapped <= 5 * HUGE_PAGE, "{usage:?}");
    assert_eq!(usage.files, if single_file { 1 } else { 2 });
    assert_eq!(touched(), 4, "one of the two reserved, three more");
    drop(region);
    assert_eq!(touched(), 1, "growth goes back to the system, what was reserved at start stays");
    let again = arena.region(2 * HUGE_PAGE).unwrap();
    assert!(again.eq(0, &vec![0; 2 * HUGE_PAGE]), "and comes back as zeroes");
    pool.give(data);
    drop((pool, small, again));
    let all = arena.region(2 * HUGE_PAGE).unwrap();
    assert!(all.eq(0, &vec![0; 2 * HUGE_PAGE]));
    drop((all, arena));
    assert_eq!(touched(), 0);
    println!("huge pages free: {free} before, {} after", hugepages_free());
}
