//! Which addresses ask CMR for what is wanted, each with its best filter.

use karin_core::time::format_instant;
use karin_core::{LonLatBox, NumberList, Product, Schema, VersionChoice};
use url::Url;

use crate::{AccessError, Wanted};

/// Entries of a page: the most that CMR gives.
const PAGE: usize = 2000;
/// With more cycles than this, one question by time and place is cheaper than one per cycle.
const MANY_CYCLES: usize = 20;
/// With more passes than this, all of the cycle are asked for: addresses have a length.
const MANY_PASSES: usize = 100;

/// The addresses that ask for what is wanted.
pub(super) fn questions(wanted: &Wanted, service: &Url) -> Result<Vec<Url>, AccessError> {
    let names = short_names(wanted)?;
    let mut base = service
        .join("granules.umm_json")
        .map_err(|error| AccessError::option("podaac.cmr", error.to_string()))?;
    {
        let mut query = base.query_pairs_mut();
        query
            .append_pair("provider", "POCLOUD")
            .append_pair("page_size", &PAGE.to_string());
        for name in &names {
            query.append_pair("short_name[]", name);
        }
    }
    if wanted.cycles().len() > MANY_CYCLES {
        return Ok(by_time_and_place(wanted, &base));
    }
    // Cycles of which everything is wanted go into one question.
    let (some, all): (Vec<_>, Vec<_>) = wanted
        .cycles()
        .partition(|(_, passes)| !wanted.is_whole && passes.len() <= MANY_PASSES);
    let mut questions: Vec<Url> = some
        .into_iter()
        .map(|(cycle, passes)| of_cycle(&base, cycle, passes))
        .collect();
    if !all.is_empty() {
        let mut question = base.clone();
        for (cycle, _) in all {
            question
                .query_pairs_mut()
                .append_pair("cycle[]", &cycle.to_string());
        }
        questions.push(question);
    }
    Ok(questions)
}

fn of_cycle(base: &Url, cycle: u16, passes: &NumberList) -> Url {
    let mut question = base.clone();
    {
        let mut query = question.query_pairs_mut();
        query.append_pair("cycle[]", &cycle.to_string());
        for (index, pass) in passes.iter().enumerate() {
            query.append_pair(&format!("passes[{index}][pass]"), &pass.to_string());
        }
    }
    question
}

/// One question per part of the region; what lies beside is left out by cycle and pass afterwards.
fn by_time_and_place(wanted: &Wanted, base: &Url) -> Vec<Url> {
    let Some((from, to)) = wanted.period() else {
        return Vec::new();
    };
    let mut base = base.clone();
    let moment = |seconds: f64| format_instant(seconds.floor());
    base.query_pairs_mut()
        .append_pair("temporal[]", &format!("{},{}", moment(from), moment(to + 1.0)));
    let bounds = wanted
        .region
        .as_ref()
        .map(karin_core::Region::bounds)
        .unwrap_or_default();
    if bounds.is_empty() || bounds.iter().any(|bounds| bounds.width() >= 360.0) {
        return vec![base];
    }
    let question = |bounds: &LonLatBox| {
        let mut question = base.clone();
        let west = karin_core::geo::wrap_180(bounds.west());
        let east = karin_core::geo::wrap_180(bounds.west() + bounds.width());
        let edges = format!("{west},{},{east},{}", bounds.south(), bounds.north());
        question.query_pairs_mut().append_pair("bounding_box[]", &edges);
        question
    };
    bounds.iter().map(question).collect()
}

/// The collections that hold a product in the versions that are asked for.
fn short_names(wanted: &Wanted) -> Result<Vec<String>, AccessError> {
    let stem = match wanted.product {
        Product::L2Basic => "L2_LR_SSH_BASIC",
        Product::L2Expert => "L2_LR_SSH_EXPERT",
        Product::L2WindWave => "L2_LR_SSH_WINDWAVE",
        Product::L2Unsmoothed => "L2_LR_SSH_UNSMOOTHED",
        Product::NadirGdr => "L2_NALT_GDR",
        Product::NadirIgdr => "L2_NALT_IGDR",
        Product::NadirOgdr => "L2_NALT_OGDR",
        product => {
            let reason = format!(
                "PO.DAAC is not asked for {product}; level 3 is at aviso, others take a folder or an address"
            );
            return Err(AccessError::option("--from podaac", reason));
        }
    };
    let takes = |letter: u8| match &wanted.version {
        VersionChoice::Matching(pattern) => match Schema::parse(pattern.as_str()) {
            Some(schema) => schema == Schema::Baseline(letter),
            // PIC?, PGC0_01: the letter is the third; with a wildcard there, any.
            None => pattern
                .as_str()
                .as_bytes()
                .get(2)
                .is_none_or(|byte| matches!(byte, b'*' | b'?') || byte.eq_ignore_ascii_case(&letter)),
        },
        _ => true,
    };
    let collections = [(b'C', "2.0"), (b'D', "D")]
        .into_iter()
        .filter(|(letter, _)| takes(*letter));
    let names: Vec<_> = collections
        .map(|(_, name)| format!("SWOT_{stem}_{name}"))
        .collect();
    if names.is_empty() {
        let reason = format!("PO.DAAC has baselines C and D, none that is {}", wanted.version);
        return Err(AccessError::option("--version", reason));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use karin_core::{Selection, SelectionBuilder};

    use super::*;

    fn ask(builder: SelectionBuilder) -> Vec<String> {
        let wanted = Wanted::of(&builder.build().unwrap(), 820e6).unwrap();
        let questions = questions(&wanted, &Url::parse("https://cmr/search/").unwrap()).unwrap();
        questions
            .iter()
            .map(|url| {
                percent_encoding::percent_decode_str(url.as_str())
                    .decode_utf8_lossy()
                    .into_owned()
            })
            .collect()
    }

    fn expert() -> SelectionBuilder {
        Selection::builder().product("L2_LR_SSH_Expert").unwrap()
    }

    #[test]
    fn each_question_uses_the_best_filter() {
        let start = "https://cmr/search/granules.umm_json?provider=POCLOUD&page_size=2000";
        let both = "&short_name[]=SWOT_L2_LR_SSH_EXPERT_2.0&short_name[]=SWOT_L2_LR_SSH_EXPERT_D";
        // Passes only beside exactly one cycle.
        let one = ask(expert().cycles("10,11").unwrap().passes("13-14").unwrap());
        assert_eq!(
            one[0],
            format!("{start}{both}&cycle[]=10&passes[0][pass]=13&passes[1][pass]=14")
        );
        assert_eq!(one.len(), 2);
        // Whole cycles together.
        let whole = ask(expert().cycles("10-12").unwrap().version("D").unwrap());
        assert_eq!(
            whole,
            [format!(
                "{start}&short_name[]=SWOT_L2_LR_SSH_EXPERT_D&cycle[]=10&cycle[]=11&cycle[]=12"
            )]
        );
        // A year of a region is 18 questions, two years are one.
        let year = ask(expert().bbox("10,-45,30,-30").unwrap().time("2024").unwrap());
        assert!((17..=19).contains(&year.len()), "{}", year.len());
        let years = ask(expert()
            .bbox("170,-45,-170,-30")
            .unwrap()
            .time("2024-01-01..2026-01-01")
            .unwrap());
        assert_eq!(years.len(), 1);
        assert!(
            years[0].starts_with(&format!("{start}{both}&temporal[]=2024-01-01T00:00:00Z,202")),
            "{}",
            years[0]
        );
        assert!(
            years[0].ends_with("&bounding_box[]=170,-45,-170,-30"),
            "{}",
            years[0]
        );
    }

    #[test]
    fn versions_choose_collections() {
        let names = |version: &str| {
            let selection = expert().version(version).unwrap().build().unwrap();
            short_names(&Wanted::of(&selection, 820e6).unwrap()).map(|names| names.len())
        };
        assert_eq!(names("best").unwrap(), 2);
        assert_eq!(names("PIC?").unwrap(), 1);
        assert_eq!(names("PG*").unwrap(), 2);
        assert!(names("B").is_err() && names("v2").is_err());
    }
}
