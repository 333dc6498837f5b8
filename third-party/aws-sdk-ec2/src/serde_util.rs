// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.
