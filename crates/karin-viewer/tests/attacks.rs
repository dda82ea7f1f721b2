//! Requests that nobody should make: each is answered with a problem, none with data, none with a defect.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::{Client, served};

const BASIC: &str = "L2_LR_SSH_Basic.C.calval";

#[test]
fn nobody_without_the_token_is_answered() {
    let client = Client::new();
    for path in [
        "/api/v1/collections",
        "/api/v1/coverage?group=x",
        "/api/v1/point?group=x",
        "/api/v1/progress?job=1",
    ] {
        assert_eq!(client.bare(path, &[]).status, 401, "{path}");
    }
    assert_eq!(client.bare("/?token=wrong", &[]).status, 401);
    assert_eq!(client.bare("/api/v1/health", &[]).status, 200);
    assert_eq!(client.bare("/", &[]).status, 200, "the page holds no data");
}

#[test]
fn the_token_is_swapped_for_a_cookie_and_leaves_the_address() {
    let client = Client::new();
    let answer = client.bare(&format!("/?token={}", served().token), &[]);
    assert_eq!(
        (answer.status, answer.header("location").as_deref()),
        (303, Some("/"))
    );
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Strict")
            && !cookie.contains(&served().token)
    );
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(
        client.bare("/api/v1/collections", &[("cookie", cookie)]).status,
        200
    );
}

#[test]
fn other_sites_and_other_names_are_refused() {
    let client = Client::new();
    let path = "/api/v1/collections";
    for host in [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.nip.io",
        "169.254.169.254",
        "localhost.evil.example",
        "0x7f.1",
        "2130706433",
        "",
    ] {
        assert_eq!(client.get(path, &[("host", host)]).status, 403, "{host}");
    }
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://127.0.0.1",
    ] {
        assert_eq!(client.get(path, &[("origin", origin)]).status, 403, "{origin}");
    }
    let own = format!("http://{}", served().address);
    assert_eq!(client.get(path, &[("origin", &own)]).status, 200);
    assert_eq!(client.get(path, &[("sec-fetch-site", "cross-site")]).status, 403);
    assert_eq!(client.get(path, &[("sec-fetch-site", "same-origin")]).status, 200);
    assert_eq!(
        client.get(path, &[("x-forwarded-host", "evil.example")]).status,
        200,
        "it is not looked at"
    );
}

#[test]
fn answers_say_how_they_may_be_used() {
    for path in ["/", "/api/v1/health", "/nothing"] {
        let answer = Client::new().bare(path, &[]);
        assert_eq!(
            answer.header("x-content-type-options").as_deref(),
            Some("nosniff")
        );
        assert!(
            answer
                .header("content-security-policy")
                .unwrap()
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn no_path_leads_out_of_what_was_built_in() {
    let client = Client::new();
    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%252e%252e/etc/passwd",
        "/..\\..\\etc\\passwd",
        "/assets/%00",
        "//etc/passwd",
        "/etc/passwd",
        "/.keep",
        "/api/v1/../../etc/passwd",
        "/xyz/../../etc/passwd",
    ] {
        let status = client
            .raw(&format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                served().address
            ))
            .0;
        assert!(matches!(status, 400 | 401 | 404), "{path}: {status}");
    }
}

#[test]
fn only_reading_is_possible() {
    for method in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW",
    ] {
        let request = format!(
            "{method} /api/v1/collections HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            served().address,
            served().token
        );
        let status = Client::new().raw(&request).0;
        assert!(matches!(status, 400 | 403 | 405), "{method}: {status}");
    }
}

#[test]
fn nonsense_is_refused_before_anything_is_read() {
    let client = Client::new();
    let strips = format!("/api/v1/strips?group={BASIC}&var=ssha_karin_2&cycle=475&pass=13");
    let tiles = format!("group={BASIC}&var=ssha_karin_2&cycles=475");
    let polygon: String = (0..5000)
        .map(|corner| format!("{},{};", corner % 180, corner % 90))
        .collect();
    let nested = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    for (path, statuses) in [
        (format!("{strips}&lines=0-99999999"), &[200, 413][..]),
        (format!("{strips}&lines=99999999-99999999"), &[404]),
        (format!("{strips}&lines=-1"), &[400]),
        (format!("{strips}&lines=5-1"), &[400]),
        (format!("{strips}&lines=0-1&level=9"), &[400]),
        (format!("{strips}&lines=0-1&cycle_b=9999999"), &[404]),
        (
            format!("/api/v1/strips?group={BASIC}&var=../../etc/passwd&cycle=475&pass=13&lines=0-1"),
            &[400, 404],
        ),
        (
            format!("/api/v1/strips?group={BASIC}&var=sshaa_karin_2&cycle=475&pass=13&lines=0-1"),
            &[404],
        ),
        (
            format!("/api/v1/strips?group={BASIC}&var=x&let=x={nested}&cycle=475&pass=13&lines=0-1"),
            &[400],
        ),
        (
            format!(
                "/api/v1/strips?group={BASIC}&var=x&let=x=__import__('os').system('id')&cycle=475&pass=13&lines=0-1"
            ),
            &[400],
        ),
        (
            format!("/api/v1/strips?group={BASIC}&var=x&let=x=x%2b1&cycle=475&pass=13&lines=0-1"),
            &[400, 404],
        ),
        (format!("{strips}&lines=0-1&where=1/0"), &[200]),
        (format!("/api/v1/tiles/30/1/1?{tiles}"), &[400]),
        (format!("/api/v1/tiles/3/9/9?{tiles}"), &[404]),
        (format!("/api/v1/tiles/-1/0/0?{tiles}"), &[400]),
        (
            format!("/api/v1/tiles/0/0/0?group={BASIC}&var=ssha_karin_2&cycles=402-578"),
            &[413],
        ),
        (
            format!("/api/v1/tiles/0/0/0?group={BASIC}&var=ssha_karin_2&cycles=1-99999"),
            &[400],
        ),
        (
            format!("/api/v1/tiles/0/0/0?group={BASIC}&var=ssha_karin_2&cycles=9-1"),
            &[400],
        ),
        (
            format!("/api/v1/stats?group={BASIC}&var=ssha_karin_2&polygon={polygon}"),
            &[413],
        ),
        (
            format!("/api/v1/stats?group={BASIC}&var=ssha_karin_2&bbox=1e308,1,2,3"),
            &[400],
        ),
        (
            format!("/api/v1/stats?group={BASIC}&var=ssha_karin_2&bbox=NaN,NaN,NaN,NaN"),
            &[400],
        ),
        (
            format!("/api/v1/stats?group={BASIC}&var=ssha_karin_2&polygon=0,0;1,1;0,1;1,0"),
            &[200, 400, 404],
        ),
        (
            format!("/api/v1/stats?group={BASIC}&var=ssha_karin_2&polygon={{\"type\":\"Point\"}}"),
            &[400],
        ),
        (
            format!("/api/v1/series?group={BASIC}&var=ssha_karin_2&lon=1e300&lat=0"),
            &[400],
        ),
        (format!("/api/v1/series?group={BASIC}&var=ssha_karin_2"), &[400]),
        (
            format!("/api/v1/hovmoller?group={BASIC}&var=ssha_karin_2&pass=65536"),
            &[404],
        ),
        (
            format!("/api/v1/spectrum?group={BASIC}&var=ssha_karin_2&segment_km=0"),
            &[400],
        ),
        (
            "/api/v1/passes?bbox=-180,-90,180,90&time=2000-01-01..2100-01-01&half_width_km=200".to_owned(),
            &[413],
        ),
        ("/api/v1/passes?lon=0&lat=0&time=yesterday".to_owned(), &[400]),
        (
            "/api/v1/coverage?group=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
            &[404],
        ),
        (
            "/api/v1/coverage?group=a%0d%0aSet-Cookie:%20x=1".to_owned(),
            &[404],
        ),
        (
            format!("/api/v1/coverage?{}", "group=a&".repeat(5000)),
            &[400, 414, 431],
        ),
        (
            format!("/api/v1/coverage?group={}", "a".repeat(1_000_000)),
            &[400, 414, 431],
        ),
        (
            format!("/xyz/{BASIC}/ssha/0/0/0.png?cycles=475&cmap=nothing"),
            &[400],
        ),
        (
            format!("/xyz/{BASIC}/ssha/0/0/0.png?cycles=475&min=1&max=0"),
            &[400],
        ),
        (
            "/api/v1/extract?group=http://169.254.169.254/latest&format=nc".to_owned(),
            &[404],
        ),
        ("/api/v1/nothing".to_owned(), &[404]),
    ] {
        let started = Instant::now();
        // What is no URL is sent as it is.
        let target = path.replace(' ', "%20").replace('"', "%22");
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            served().address,
            served().token
        );
        let (status, text) = client.raw(&request);
        let shown: String = path.chars().take(120).collect();
        assert!(
            statuses.contains(&status),
            "{shown}: {status} {}",
            text.chars().take(600).collect::<String>()
        );
        assert!(started.elapsed() < Duration::from_secs(10), "{shown}");
        let head = text
            .split("\r\n\r\n")
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        assert!(
            !head.contains("set-cookie") && !head.contains("text/html"),
            "{shown}: {head}"
        );
    }
}

#[test]
fn slow_and_silent_clients_hold_up_nobody() {
    let mut idle: Vec<TcpStream> = (0..50)
        .map(|_| TcpStream::connect(&served().address).unwrap())
        .collect();
    for (index, stream) in idle.iter_mut().enumerate() {
        let _ = stream.write_all(if index % 2 == 0 {
            b"GET / HT"
        } else {
            b"\x16\x03\x01\x00"
        });
    }
    let started = Instant::now();
    assert_eq!(Client::new().get("/api/v1/collections", &[]).status, 200);
    assert!(started.elapsed() < Duration::from_secs(5));
    let mut byte = [0];
    idle.iter_mut().for_each(|stream| {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(1)));
        let _ = stream.read(&mut byte);
    });
}

#[test]
fn twenty_clients_pan_without_an_error() {
    let errors: usize = std::thread::scope(|scope| {
        let pan = |client: u32| {
            move || {
                let api = Client::new();
                let ask = |step: u32| {
                    let (x, y) = ((client + step) % 8, 2 + step % 4);
                    let path = format!(
                        "/api/v1/tiles/3/{x}/{y}?group={BASIC}&var=ssha_karin_2&cycles={}",
                        475 + step % 2
                    );
                    api.get(&path, &[]).status
                };
                (0..12).filter(|step| ask(*step) != 200).count()
            }
        };
        let clients: Vec<_> = (0..20).map(|client| scope.spawn(pan(client))).collect();
        clients.into_iter().map(|client| client.join().unwrap_or(1)).sum()
    });
    assert_eq!(errors, 0);
}

#[test]
fn work_stops_when_the_client_leaves() {
    let request = format!(
        "GET /api/v1/stats?group={BASIC}&var=vorticity&job=left HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        served().address,
        served().token
    );
    let mut stream = TcpStream::connect(&served().address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let client = Client::new();
    let begun = Instant::now();
    while client.get("/api/v1/progress?job=left", &[]).status != 200 {
        if begun.elapsed() > Duration::from_secs(10) {
            // It was answered before it could be seen: a very fast machine.
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(stream);
    let left = Instant::now();
    while client.get("/api/v1/progress?job=left", &[]).status == 200 {
        assert!(
            left.elapsed() < Duration::from_secs(2),
            "it goes on though nobody waits"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn parts_of_answers_are_never_multiplied() {
    let many: Vec<String> = (0..2000).map(|at| format!("{at}-{}", at + 100)).collect();
    for range in [
        "bytes=0-10",
        "bytes=-5",
        "bytes=9-1",
        "bytes=0-,0-,0-,0-",
        &format!("bytes={}", many.join(",")),
    ] {
        let answer = Client::new().get("/api/v1/collections", &[("range", range)]);
        assert_eq!(answer.status, 200, "{range}");
        assert!(answer.header("content-range").is_none(), "{range}");
        assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
    }
}

#[test]
fn what_proxies_claim_changes_nothing() {
    let client = Client::new();
    let plain = client.get("/api/v1/collections", &[]);
    for header in [
        "x-forwarded-host",
        "x-forwarded-for",
        "forwarded",
        "x-original-url",
        "x-rewrite-url",
    ] {
        let answer = client.get("/api/v1/collections", &[(header, "evil.example")]);
        assert!(answer.body == plain.body, "{header}");
        let page = client.bare(
            &format!("/?token={}", served().token),
            &[(header, "evil.example")],
        );
        assert_eq!(page.header("location").as_deref(), Some("/"), "{header}");
    }
}

#[test]
fn compressed_bodies_are_not_opened() {
    // The beginning of a gzip stream that would go on for ever; nobody needs its end.
    let head = format!(
        "Host: {}\r\nAuthorization: Bearer {}\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\nConnection: close\r\n\r\n\x1f\x08\x00\x00\x00\x00\x00\x00\x00\x03",
        served().address,
        served().token
    );
    let client = Client::new();
    assert_eq!(
        client.raw(&format!("GET /api/v1/health HTTP/1.1\r\n{head}")).0,
        200
    );
    assert_eq!(
        client.raw(&format!("POST /api/v1/stats HTTP/1.1\r\n{head}")).0,
        405
    );
}

#[test]
fn no_address_in_a_request_is_asked() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::new();
    for place in [
        format!("http://127.0.0.1:{port}/a.nc"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("s3://127.0.0.1:{port}/a"),
        "file:///etc/passwd".to_owned(),
    ] {
        for path in [
            format!("/api/v1/coverage?group={place}"),
            format!("/api/v1/strips?group={BASIC}&cycle=475&pass=13&lines=0-1&var={place}"),
            format!("/api/v1/stats?group={BASIC}&var=ssha_karin_2&where={place}"),
            format!("/api/v1/stats?group={BASIC}&var=ssha_karin_2&polygon={place}"),
            format!("/api/v1/extract?group={BASIC}&var={place}"),
            format!(
                "/api/v1/layers/{}/range?var={place}&steps=0",
                place.replace('/', "%2f")
            ),
        ] {
            let status = client.get(&path, &[]).status;
            assert!(matches!(status, 400 | 404), "{path}: {status}");
        }
    }
    assert!(listener.accept().is_err(), "the viewer asked somebody");
}

#[test]
fn the_token_is_in_no_answer() {
    let client = Client::new();
    for path in [
        "/",
        "/openapi.json",
        "/api/v1/collections",
        "/api/v1/health",
        "/api/v1/nothing",
        "/api/v1/strips?group=a",
        &format!("/api/v1/command?group={BASIC}&verb=view"),
    ] {
        let answer = client.get(path, &[]);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains(&served().token),
            "{path}"
        );
    }
}
