//! `-g`: all data memory is exactly one file. Alone in its process, so that the process's map shows nothing else.
use dma::{Arena, Backing, HUGE_PAGE, Options};

/// Inodes of the data files that this process has mapped, once each.
fn files() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let lines = maps.lines().filter(|line| line.contains("qfc-data"));
    let mut inodes: Vec<String> = lines.map(|line| line.split_whitespace().nth(4).unwrap().to_owned()).collect();
    inodes.sort();
    inodes.dedup();
    inodes
}

/// Bytes of files in memory that this process has touched and not given back.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssShmem:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}

#[test]
fn a_single_file_is_one_file_however_often_it_grows() {
    assert!(files().is_empty());
    let options = Options { backing: Backing::Ordinary, single_file: true, reserve: HUGE_PAGE };
    let arena = Arena::new(options).unwrap();
    let regions: Vec<_> = (0..3).map(|_| arena.region(3 * HUGE_PAGE).unwrap()).collect();
    for (i, region) in regions.iter().enumerate() {
        region.write(3 * HUGE_PAGE - 1, &[i as u8 + 1]);
    }
    assert!(regions.iter().enumerate().all(|(i, region)| region.eq(3 * HUGE_PAGE - 1, &[i as u8 + 1])));
    let usage = arena.usage();
    assert_eq!((usage.files, usage.mapped, usage.huge), (1, 10 * HUGE_PAGE, false));
    assert_eq!(files().len(), 1);
    let region = arena.region(4 * HUGE_PAGE).unwrap();
    let before = resident();
    region.write(0, &vec![1; 4 * HUGE_PAGE]);
    assert!(resident() >= before + 3 * HUGE_PAGE);
    drop(region);
    assert!(resident() < before + HUGE_PAGE, "what is free goes back to the system");
    drop((regions, arena));
    assert!(files().is_empty(), "the mappings end with the arena");
}
