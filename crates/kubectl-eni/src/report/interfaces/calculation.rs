//! The lines of the calculation below the network interfaces.

use super::LINE;
use crate::report::result::Plan;
use crate::report::svg::{Anchor, Drawing, MARGIN, Size, label_width, shortened};
use eni_core::domain::capacity::Term;

/// Returns the lines of the calculation. The last one is what the kubelet accepts.
pub(super) fn terms(plan: &Plan) -> Vec<Term> {
    let mut terms = plan.capacity.terms();
    if plan.max_pods_in_force != plan.capacity.max_pods {
        terms.push(Term {
            label: "max-pods in force".to_owned(),
            sign: "→",
            number: Some(plan.max_pods_in_force),
            unit: "(see the diagnostics)",
        });
    }
    terms
}

/// Returns a line as text.
pub(super) fn line(term: &Term) -> String {
    let number = term.number.map(|number| number.to_string()).unwrap_or_default();
    let parts = [term.label.as_str(), term.sign, &number, term.unit];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Writes the calculation: the labels, the numbers below each other, and the units.
pub(super) fn draw_terms(drawing: &mut Drawing, terms: &[Term]) {
    let longest = terms.iter().map(|term| label_width(&term.label)).max().unwrap_or(0);
    let number = match drawing.size {
        Size::Wide => MARGIN + longest.min(500) + 90,
        Size::Narrow => drawing.right(),
    };
    let most = (number - MARGIN).saturating_sub(66) * 10 / 73;
    drawing.y += 10;
    for term in terms {
        let is_result = term.label.starts_with("max-pods");
        let class = if is_result { "strong" } else { "" };
        drawing.y += LINE;
        if is_result || term.sign == "=" {
            let line = format!("M{MARGIN} {}H{number}", drawing.y - 13);
            drawing.path(&line, "grid");
            drawing.y += 4;
        }
        let with_unit = format!("{} {}", term.label, term.unit);
        // A narrow drawing has no space for the unit beside the number.
        let label = match drawing.size {
            Size::Narrow if label_width(&with_unit) <= number - MARGIN - 66 => with_unit.trim(),
            _ => &term.label,
        };
        let label = &shortened(label, most);
        let sign = number - 54;
        drawing.text((MARGIN, drawing.y), Anchor::Start, class, label);
        drawing.text((sign, drawing.y), Anchor::End, class, term.sign);
        let text = term.number.map(|number| number.to_string()).unwrap_or_default();
        drawing.text((number, drawing.y), Anchor::End, class, &text);
        if drawing.size == Size::Wide {
            drawing.text((number + 8, drawing.y), Anchor::Start, "muted", term.unit);
        }
    }
}
