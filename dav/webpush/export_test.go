package webpush

// Seal is what the tests compare with the example of RFC 8291.
var Seal = seal
