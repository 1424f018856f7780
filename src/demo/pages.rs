//! The shop's own texts: pages, articles, policies, menus.

/// A page.
pub(super) struct Page {
    pub number: u64,
    pub handle: &'static str,
    pub title: &'static str,
    pub body: &'static str,
}

/// An article of the blog.
pub(super) struct Article {
    pub number: u64,
    pub handle: &'static str,
    pub title: &'static str,
    pub body: &'static str,
    pub tags: &'static [&'static str],
    /// Days before the world's present.
    pub days_ago: i64,
}

/// What an entry of a menu leads to.
pub(super) enum Target {
    /// The collection with this handle.
    Collection(&'static str),
    /// The page with this handle.
    Page(&'static str),
    /// The blog.
    Blog,
    /// All products.
    Catalog,
    /// The policy with this handle.
    Policy(&'static str),
}

/// A menu: handle, title and entries.
pub(super) struct Menu {
    pub handle: &'static str,
    pub title: &'static str,
    pub entries: &'static [(&'static str, Target)],
}

/// The handle and title of the one blog.
pub(super) const BLOG: (&str, &str) = ("journal", "Journal");

pub(super) static PAGES: &[Page] = &[
    Page {
        number: 1,
        handle: "about",
        title: "About us",
        body: "Outfitter Demo is a shop that does not exist. Its catalogue is made from words and a seed.",
    },
    Page { number: 2, handle: "contact", title: "Contact", body: "Write to nobody@outfitter.example; nobody answers." },
    Page {
        number: 3,
        handle: "shipping",
        title: "Shipping",
        body: "Free within the country. It arrives the moment you stop waiting.",
    },
    Page {
        number: 4,
        handle: "size-guide",
        title: "Size guide",
        body: "Clothes run true to size. Between two sizes, take the larger for outerwear and the smaller for knits.",
    },
];

pub(super) static ARTICLES: &[Article] = &[
    Article {
        number: 1,
        handle: "how-to-break-in-hiking-boots",
        title: "How to break in hiking boots",
        body: "Wear them at home for a week, then to the shop, then up something small. Two thin pairs of socks are \
               better than one thick pair.",
        tags: &["footwear", "outdoor"],
        days_ago: 12,
    },
    Article {
        number: 2,
        handle: "a-skillet-for-life",
        title: "A skillet for life",
        body: "Heat it slowly, oil it thinly, and never be afraid of soap. Iron forgives everything but rust.",
        tags: &["kitchen"],
        days_ago: 40,
    },
    Article {
        number: 3,
        handle: "packing-light",
        title: "Packing light",
        body: "Lay everything out, put half of it back, and take a second pair of socks after all.",
        tags: &["bags", "camping"],
        days_ago: 75,
    },
];

/// Policies: number, handle, title, body.
pub(super) static POLICIES: [(u64, &str, &str, &str); 4] = [
    (1, "privacy-policy", "Privacy policy", "This shop keeps a cart in memory until it stops, and nothing else."),
    (2, "refund-policy", "Refund policy", "Nothing is charged, so nothing needs to be refunded."),
    (3, "shipping-policy", "Shipping policy", "Nothing is shipped either."),
    (4, "terms-of-service", "Terms of service", "Look around, try things, break them if you can."),
];

static HEADER: &[(&str, Target)] = &[
    ("All", Target::Catalog),
    ("New", Target::Collection("new-arrivals")),
    ("Tops", Target::Collection("tops")),
    ("Outerwear", Target::Collection("outerwear")),
    ("Footwear", Target::Collection("footwear")),
    ("Camping", Target::Collection("camping")),
    ("Kitchen", Target::Collection("kitchen")),
    ("Sale", Target::Collection("sale")),
    ("Journal", Target::Blog),
    ("About", Target::Page("about")),
];

static FOOTER: &[(&str, Target)] = &[
    ("About", Target::Page("about")),
    ("Contact", Target::Page("contact")),
    ("Shipping", Target::Page("shipping")),
    ("Privacy", Target::Policy("privacy-policy")),
    ("Terms", Target::Policy("terms-of-service")),
];

/// The menus, under the handles that Hydrogen's and Vercel's storefronts ask for.
pub(super) static MENUS: &[Menu] = &[
    Menu { handle: "main-menu", title: "Main menu", entries: HEADER },
    Menu { handle: "footer", title: "Footer", entries: FOOTER },
    Menu { handle: "next-js-frontend-header-menu", title: "Main menu", entries: HEADER },
    Menu { handle: "next-js-frontend-footer-menu", title: "Footer", entries: FOOTER },
];
