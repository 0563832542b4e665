//! Bytes that nobody would write: no panic, no endless work, and always a remark.

use std::time::{Duration, Instant};

use conf::{parse, parse_and_translate, to_json_config, translate};

/// xorshift64*: every failure can be repeated from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

fn examples() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples");
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    let files: Vec<Vec<u8>> =
        files.filter(|p| p.extension().is_some_and(|e| e == "conf")).map(|p| std::fs::read(p).unwrap()).collect();
    assert!(files.len() >= 7);
    files
}

fn digest(bytes: &[u8]) {
    let plan = parse_and_translate("f", bytes);
    for d in &plan.diagnostics {
        assert!(!d.to_string().contains(|c: char| c.is_control()), "{d}");
        assert!(!d.message.is_empty());
    }
    let json = to_json_config(&plan).to_string();
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    for call in &plan.calls {
        assert!(call.params.is_object() && call.line > 0);
    }
}

#[test]
fn random_bytes() {
    for seed in 1..3000 {
        let mut random = Random(seed);
        let alphabet: &[u8] = match seed % 3 {
            0 => b"[]\\\"'# \t\n\r\0ANQab01.:!=-",
            1 => b"[Malloc]\nLUN0123456789\n\\\n#",
            _ => &[],
        };
        let length = random.below(600);
        let bytes: Vec<u8> = (0..length)
            .map(|_| match alphabet.len() {
                0 => random.next() as u8,
                n => alphabet[random.below(n)],
            })
            .collect();
        digest(&bytes);
    }
}

#[test]
fn examples_with_mutations() {
    let examples = examples();
    for seed in 1..4000 {
        let mut random = Random(seed);
        let mut bytes = examples[random.below(examples.len())].clone();
        for _ in 0..=random.below(8) {
            if bytes.is_empty() {
                break;
            }
            let at = random.below(bytes.len());
            match random.below(5) {
                0 => bytes[at] = random.next() as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"[]\\\"'#\n !:-0\xff"[random.below(13)]),
                3 => bytes.truncate(at.max(1)),
                _ => {
                    let other = &examples[random.below(examples.len())];
                    let from = random.below(other.len());
                    let to = (from + random.below(80)).min(other.len());
                    bytes.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        digest(&bytes);
    }
}

/// Words of the vocabulary in any order reach far deeper than bytes.
#[test]
fn random_words() {
    let text: Vec<u8> = examples().concat();
    let text = String::from_utf8(text).unwrap();
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.extend([
        "0",
        "-1",
        "18446744073709551615",
        "0x0",
        "\"\"",
        "''",
        "[::1]:4420",
        "!ALL",
        "nn-",
        "pn-",
        "nn-x:pn-x",
        "é",
        "LUN",
        "LUN99999999999",
    ]);
    for seed in 1..3000 {
        let mut random = Random(seed);
        let mut text = String::new();
        for _ in 0..random.below(60) {
            text.push_str(words[random.below(words.len())]);
            text.push(if random.below(3) == 0 { '\n' } else { ' ' });
        }
        digest(text.as_bytes());
    }
}

#[test]
fn parse_and_translate_is_both_steps() {
    for bytes in examples() {
        let (document, mut diagnostics) = parse("f", &bytes);
        let plan = translate("f", document);
        let whole = parse_and_translate("f", &bytes);
        assert_eq!(plan.calls, whole.calls);
        diagnostics.extend(plan.diagnostics);
        diagnostics.sort_by_key(|d| d.line);
        assert_eq!(diagnostics, whole.diagnostics);
    }
}

/// The largest file of each kind of line takes a moment, not minutes: nothing is quadratic.
#[test]
fn large_files_are_read_in_bounded_time() {
    let head = "[Malloc]\nNumberOfLuns 16384\nLunSizeInMB 1\n[Split]\nSplit Malloc0 9\n";
    let subsystem = "[Subsystem1]\nNQN nqn.2016-06.io.spdk:a\nSN S\n";
    let target = "[PortalGroup1]\nPortal a 21000024ff5ba06a\n[InitiatorGroup1]\nInitiatorName ALL\n[TargetNode1]\nTargetName d\n";
    let repeated: &[(&str, &str)] = &[
        ("", "[Subsystem1]\n"),
        ("", "[Unknown]\n"),
        ("[Malloc]\n", "K 1\n"),
        (head, "Split Malloc9 2\n"),
        (subsystem, "Namespace Malloc0\n"),
        (subsystem, "Namespace Molloc9\n"),
        (subsystem, "Host nqn.2016-06.io.spdk:x\n"),
        (subsystem, "Listen TCP 127.0.0.1\n"),
        (target, "LUN1 Malloc1\n"),
        (target, "Mapping PortalGroup1 InitiatorGroup1\n"),
        ("[PortalGroup1]\n", "Portal a 21000024ff5ba06a\n"),
        ("[InitiatorGroup1]\n", "InitiatorName !21000024ff5ba06a\n"),
        ("[Null]\n", "Dev a 1\n"),
        ("[A]\nK ", "\\\n"),
        ("[A]\nK ", "a b "),
        ("[Nvme]\n", "TransportID a b\n"),
    ];
    for (first, line) in repeated {
        let start = Instant::now();
        let mut text = format!("{head}{first}");
        while text.len() + line.len() <= conf::limits::FILE_BYTES {
            text.push_str(line);
        }
        let plan = parse_and_translate("f", text.as_bytes());
        assert!(!plan.diagnostics.is_empty(), "{line}");
        assert!(start.elapsed() < Duration::from_secs(10), "{line}: {:?}", start.elapsed());
    }
}

#[test]
fn distinct_hosts_and_namespaces_are_not_quadratic_either() {
    let start = Instant::now();
    let mut text = "[Malloc]\nNumberOfLuns 16384\nLunSizeInMB 1\n[Subsystem1]\nNQN nqn.2016-06.io.spdk:a\nSN S\nMaxNamespaces 16384\n".to_owned();
    (0..16384).for_each(|i| text.push_str(&format!("Namespace Malloc{i}\n")));
    (0..16384).for_each(|i| text.push_str(&format!("Host nqn.2016-06.io.x:{i}\n")));
    text.push_str("Listen TCP 127.0.0.1\nNamespace Malloc0\n");
    let plan = parse_and_translate("f", text.as_bytes());
    let errors: Vec<_> = plan.diagnostics.iter().filter(|d| d.severity == conf::Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].message.contains("no namespace ID is left"));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
