// The example tabs. `$handle` and `$variant` are filled with a product that the shop really has (see app.js).
"use strict";
window.outfitterExamples = ({ handle, variant }) => [
  {
    query: `# A product with its own recommendations. Each one is
# a product of the shop: ask for any of its fields.
query ProductAndRelated($handle: String!) {
  product(handle: $handle) {
    title
    vendor
    personalized {
      recommendations(intent: RELATED, first: 4) {
        items {
          position
          product {
            title
            productType
            availableForSale
            priceRange {
              minVariantPrice {
                amount
                currencyCode
              }
            }
          }
          reason {
            code
            text
          }
        }
        decision {
          servedBy
        }
      }
    }
  }
}
`,
    variables: JSON.stringify({ handle }, null, 2),
  },
  {
    query: `# A shelf for the shopper behind this request. "New
# shopper" starts again; consent "none" is for all alike.
query HomeShelf {
  personalized {
    shopper {
      visits
      interests(first: 3) {
        label
        weight
      }
    }
    recommendations(placement: "home", first: 6) {
      items {
        product {
          title
          productType
          priceRange {
            minVariantPrice {
              amount
              currencyCode
            }
          }
        }
        reason {
          code
          text
        }
      }
      decision {
        servedBy
        fallbackReason
      }
    }
  }
}
`,
  },
  {
    query: `# The shop makes the cart; what goes with it comes
# in the same answer.
mutation AddToCart($variant: ID!) {
  cartCreate(input: { lines: [{ merchandiseId: $variant, quantity: 1 }] }) {
    cart {
      id
      totalQuantity
      cost {
        totalAmount {
          amount
          currencyCode
        }
      }
      personalized {
        recommendations(first: 3) {
          items {
            product {
              title
              productType
            }
            reason {
              code
              text
            }
          }
        }
      }
    }
    userErrors {
      field
      message
    }
  }
}
`,
    variables: JSON.stringify({ variant }, null, 2),
  },
];
