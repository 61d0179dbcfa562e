use super::*;
use crate::report::fixture;

/// Tags that are opened and not closed, or closed and not opened.
fn unbalanced(page: &str) -> Vec<String> {
    const VOID: [&str; 1] = ["meta"];
    let mut open: Vec<String> = Vec::new();
    let mut faults = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)) {
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('!') || tag.ends_with('/') || VOID.contains(&name.as_str()) {
            continue;
        }
        if !tag.starts_with('/') {
            open.push(name);
        } else if open.last() == Some(&name) {
            open.pop();
        } else {
            faults.push(name);
        }
    }
    faults.extend(open);
    faults
}

#[test]
fn every_tag_is_closed() {
    for report in [fixture::report(), fixture::hostile(), RunReport::default()] {
        assert_eq!(unbalanced(&page(&report)), [""; 0]);
    }
    assert_eq!(unbalanced("<p><b></p>").len(), 3, "the test itself finds faults");
}

#[test]
fn a_hostile_name_stays_text() {
    let page = page(&fixture::hostile());
    assert!(!page.contains("<script"), "not even one");
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;"));
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!page.contains('\u{202e}'));
}

#[test]
fn nothing_is_fetched() {
    let page = page(&fixture::report());
    for way_out in ["src=", "href=", "url(", "@import", "https://"] {
        assert!(!page.contains(way_out), "{way_out}");
    }
    let namespaces = page.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(page.matches("http://").count(), namespaces, "names of namespaces alone");
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn shows_tables_and_a_picture_of_every_latency() {
    let report = fixture::report();
    let page = page(&report);
    for wanted in [
        "<h1>one tick, one trade</h1>",
        "12,345,678",
        "1 of 3 checks failed",
        "MSFT",
        "Counters of mkt",
        "tick to trade, by quantile",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    let stages = report.roles.iter().flat_map(|role| &role.stages).filter(|s| s.count > 0).count();
    let latencies = sections::latencies(&report).count();
    assert_eq!(page.matches("<svg").count(), stages + 2 * latencies);
    assert_eq!(page.matches("<figure ").count(), page.matches("</svg>").count());
}
