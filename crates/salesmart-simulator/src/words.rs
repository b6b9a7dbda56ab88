//! The words names are made of.

pub(crate) const FIRST_NAMES: [&str; 48] = [
    "Amelia", "Noah", "Ines", "Oliver", "Zoë", "Liam", "Priya", "Mateo", "Hannah", "Kenji",
    "Sofia", "Ethan", "Freya", "Lucas", "Aisha", "Daniel", "Mei", "Oscar", "Clara", "Rahul",
    "Elena", "Jonas", "Nadia", "Thomas", "Yuki", "Samuel", "Leïla", "Marcus", "Ingrid", "Victor",
    "Camila", "Henry", "Astrid", "David", "Fatima", "Hugo", "Julia", "Kofi", "Laura", "Felix",
    "Maya", "Simon", "Nora", "Peter", "Ruth", "Søren", "Tara", "Walter",
];

pub(crate) const LAST_NAMES: [&str; 47] = [
    "Okafor",
    "Lindqvist",
    "Marsh",
    "Tanaka",
    "O'Brien",
    "Fischer",
    "Alvarez",
    "Novak",
    "Patel",
    "Whitfield",
    "Dubois",
    "Kowalski",
    "Harper",
    "Nguyen",
    "Rossi",
    "Sandberg",
    "Mbeki",
    "Castillo",
    "Voss",
    "Grant",
    "Moreau",
    "Hughes",
    "Ito",
    "Bauer",
    "Reyes",
    "Larsen",
    "Chen",
    "Fletcher",
    "Haddad",
    "Keller",
    "Vance",
    "Ibrahim",
    "Duarte",
    "Sommer",
    "Pryce",
    "Björk",
    "Ellison",
    "Takahashi",
    "Weaver",
    "Quinn",
    "Romano",
    "Stein",
    "Abbott",
    "Zhang",
    "Carver",
    "Müller",
    "Holt",
];

/// What company names begin with.
pub(crate) const STEMS: [&str; 64] = [
    "Alder",
    "Brightwater",
    "Cobalt",
    "Dunmore",
    "Eastgate",
    "Falcon",
    "Granite",
    "Harbour",
    "Ironbridge",
    "Juniper",
    "Kestrel",
    "Lakeside",
    "Meridian",
    "Northfield",
    "Orchard",
    "Pinnacle",
    "Quarry",
    "Redwood",
    "Silverline",
    "Tidewater",
    "Umbra",
    "Valley",
    "Westbrook",
    "Yarrow",
    "Zenith",
    "Ashford",
    "Beacon",
    "Cascade",
    "Driftwood",
    "Elmhurst",
    "Foxglove",
    "Glenview",
    "Highland",
    "Inverness",
    "Jasper",
    "Kingsley",
    "Larkspur",
    "Mosaic",
    "Nordic",
    "Oakhurst",
    "Prairie",
    "Quill",
    "Ridgeway",
    "Stonecroft",
    "Thornton",
    "Upland",
    "Vantage",
    "Whitestone",
    "Anchor",
    "Birchwood",
    "Coppermine",
    "Delta",
    "Evergreen",
    "Fairmont",
    "Greyson",
    "Hollis",
    "Indigo",
    "Keystone",
    "Linden",
    "Monarch",
    "Newport",
    "Osprey",
    "Palisade",
    "Summit",
];

/// What company names go on with, and the industry that says.
pub(crate) const TRADES: [(&str, &str); 24] = [
    ("Logistics", "Logistics"),
    ("Freight", "Logistics"),
    ("Health", "Healthcare"),
    ("Clinics", "Healthcare"),
    ("Pharma", "Healthcare"),
    ("Foods", "Consumer goods"),
    ("Outfitters", "Retail"),
    ("Stores", "Retail"),
    ("Bank", "Financial services"),
    ("Capital", "Financial services"),
    ("Insurance", "Financial services"),
    ("Software", "Technology"),
    ("Networks", "Technology"),
    ("Robotics", "Manufacturing"),
    ("Machining", "Manufacturing"),
    ("Plastics", "Manufacturing"),
    ("Energy", "Energy"),
    ("Solar", "Energy"),
    ("Media", "Media"),
    ("Studios", "Media"),
    ("Hotels", "Hospitality"),
    ("Academy", "Education"),
    ("Builders", "Construction"),
    ("Telecom", "Telecommunications"),
];

/// What company names end with.
pub(crate) const FORMS: [&str; 11] = [
    "",
    " Group",
    " Ltd",
    ", Inc.",
    " Holdings",
    " & Co",
    " Partners",
    " International",
    " AG",
    " \"One\"",
    " West",
];

/// The regions, and the countries of their accounts.
pub(crate) const REGIONS: [(&str, &[&str]); 3] = [
    (
        "Americas",
        &["United States", "United States", "United States", "Canada", "Mexico", "Brazil"],
    ),
    ("EMEA", &["Germany", "United Kingdom", "France", "Netherlands", "Sweden", "South Africa"]),
    ("APAC", &["Australia", "Japan", "Singapore", "India"]),
];

/// What the regions' teams sell in, by segment.
pub(crate) const CURRENCIES: [[&str; 3]; 3] =
    [["USD", "USD", "CAD"], ["EUR", "GBP", "EUR"], ["AUD", "JPY", "SGD"]];

/// The regions' offices.
pub(crate) const TIME_ZONES: [&[&str]; 3] = [
    &["America/New_York", "America/Chicago", "America/Los_Angeles", "America/Toronto"],
    &["Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Stockholm"],
    &["Asia/Singapore", "Asia/Tokyo", "Australia/Sydney"],
];

/// What teams sell to; larger customers buy more and slower.
pub(crate) const SEGMENTS: [(&str, f64); 3] =
    [("Mid-Market", 1.0), ("Enterprise", 2.6), ("Commercial", 0.5)];

/// A product: name, family, list price in cents, how often it sells.
pub(crate) struct Product {
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    pub(crate) list_price: i64,
    pub(crate) weight: f64,
}

const fn product(
    name: &'static str,
    family: &'static str,
    list_price: i64,
    weight: f64,
) -> Product {
    Product { name, family, list_price, weight }
}

pub(crate) const PRODUCTS: [Product; 8] = [
    product("Fern Core", "Platform", 1_800_000, 0.28),
    product("Fern Core Plus", "Platform", 3_200_000, 0.17),
    product("Fern Enterprise", "Platform", 7_500_000, 0.08),
    product("Insight Starter", "Analytics", 600_000, 0.14),
    product("Insight Pro", "Analytics", 1_450_000, 0.12),
    product("Connect", "Integration", 420_050, 0.10),
    product("Onboarding", "Services", 350_000, 0.07),
    product("Premium Support", "Services", 275_000, 0.04),
];

/// What a deal is about beside its product.
pub(crate) const OCCASIONS: [&str; 5] = ["new", "expansion", "replacement", "pilot", "second site"];

pub(crate) const LOST_REASONS: [&str; 6] =
    ["No decision", "Price", "Competitor", "Timing", "Missing feature", "Budget cut"];

/// Whom deals are lost to.
pub(crate) const COMPETITORS: [&str; 5] =
    ["Bracken CRM", "Mossworks", "Heather & Co", "Copse Analytics", "in-house"];

/// Where leads come from, as they are drawn.
pub(crate) const SOURCES: [&str; 8] =
    ["Web", "Web", "Web", "Referral", "Trade show", "Outbound", "Outbound", "Partner"];

/// What reps plan to do next, by stage.
pub(crate) const NEXT_STEPS: [&[&str]; 4] = [
    &["Call to qualify", "Find the budget owner"],
    &["Book a demo", "Map the decision process", "Meet the technical team"],
    &["Review the proposal together", "Answer security questions", "Send references"],
    &["Legal review", "Agree on payment terms", "Get the signature"],
];

/// What contacts do.
pub(crate) const TITLES: [&str; 8] = [
    "Head of IT",
    "Chief Financial Officer",
    "Head of Operations",
    "Purchasing Manager",
    "Managing Director",
    "Data Analyst",
    "Head of Sales Operations",
    "Project Manager",
];

/// Days on which nobody works: month, day, name.
pub(crate) const HOLIDAYS: [(u32, u32, &str); 5] = [
    (1, 1, "New Year's Day"),
    (5, 1, "Labour Day"),
    (12, 24, "Christmas Eve"),
    (12, 25, "Christmas Day"),
    (12, 26, "Boxing Day"),
];
