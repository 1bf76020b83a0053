namespace Understudy.Generation;

/// <summary>Makes the automaton of a JSON string (RFC 8259, section 7) of well-formed UTF-8 (Unicode 15, table 3-7), whose escaped surrogates come in pairs.</summary>
internal static class JsonStringGraph
{
    private const string AnyHex = "0123456789ABCDEF";

    /// <summary>The node after a string of any characters.</summary>
    /// <param name="graph">What it is added to.</param>
    /// <param name="from">Where it begins.</param>
    /// <param name="maxLength">The most characters; null for any number.</param>
    /// <param name="allowsEmpty">Whether it may be empty.</param>
    public static int Any(ByteGraphBuilder graph, int from, int? maxLength, bool allowsEmpty)
    {
        var (first, text, after) = (graph.Add(), graph.Add(), graph.Add());
        graph.Edge(from, (byte)'"', new ByteEdge(first));
        var end = maxLength is null ? new ByteEdge(after) : new ByteEdge(after, ByteEdgeKind.Sets);
        graph.Edge(text, (byte)'"', end);
        if (allowsEmpty) graph.Edge(first, (byte)'"', end);
        var encoded = Utf8(graph, text);
        var escape = Escapes(graph, text);
        Characters(first, maxLength is { } most ? new ByteEdge(text, ByteEdgeKind.Sets, most - 1) : new ByteEdge(text));
        Characters(text, new ByteEdge(text, maxLength is null ? ByteEdgeKind.Plain : ByteEdgeKind.Counts));

        return after;

        void Characters(int node, ByteEdge edge)
        {
            graph.Edges(node, 0x20, 0x21, edge);
            graph.Edges(node, 0x23, 0x5B, edge);
            graph.Edges(node, 0x5D, 0x7F, edge);
            graph.Edge(node, (byte)'\\', edge with { To = escape });
            foreach (var (begin, last, to) in encoded) graph.Edges(node, begin, last, edge with { To = to });
        }
    }

    /// <summary>Characters of two bytes and more: the ranges of their first bytes, and the nodes that these lead to.</summary>
    private static (int First, int Last, int To)[] Utf8(ByteGraphBuilder graph, int text)
    {
        var one = Continued(0x80, 0xBF, text);
        var two = Continued(0x80, 0xBF, one);
        var three = Continued(0x80, 0xBF, two);
        return
        [
            (0xC2, 0xDF, one),
            (0xE0, 0xE0, Continued(0xA0, 0xBF, one)),
            (0xE1, 0xEC, two),
            (0xED, 0xED, Continued(0x80, 0x9F, one)),
            (0xEE, 0xEF, two),
            (0xF0, 0xF0, Continued(0x90, 0xBF, two)),
            (0xF1, 0xF3, three),
            (0xF4, 0xF4, Continued(0x80, 0x8F, two)),
        ];

        int Continued(int first, int last, int to)
        {
            var node = graph.Add();
            graph.Edges(node, first, last, new ByteEdge(to));
            return node;
        }
    }

    /// <summary>The node after a backslash.</summary>
    private static int Escapes(ByteGraphBuilder graph, int text)
    {
        var escape = graph.Add();
        foreach (var value in "\"\\/bfnrt"u8) graph.Edge(escape, value, new ByteEdge(text));
        var number = graph.Path(escape, "u"u8);
        var (one, two, three) = (graph.Add(), graph.Add(), graph.Add());
        Hex(graph, number, "0123456789ABCEF", one);
        Hex(graph, one, AnyHex, two);
        Hex(graph, two, AnyHex, three);
        Hex(graph, three, AnyHex, text);
        // D8 to DB begin a pair whose second half, DC to DF, must follow; neither is a character alone.
        var (surrogate, highTwo, highThree, pair, lowOne) = (graph.Add(), graph.Add(), graph.Add(), graph.Add(), graph.Add());
        Hex(graph, number, "D", surrogate);
        Hex(graph, surrogate, "01234567", two);
        Hex(graph, surrogate, "89AB", highTwo);
        Hex(graph, highTwo, AnyHex, highThree);
        Hex(graph, highThree, AnyHex, pair);
        Hex(graph, graph.Path(pair, "\\u"u8), "D", lowOne);
        Hex(graph, lowOne, "CDEF", two);
        return escape;
    }

    /// <summary>Leads from a node to another by hexadecimal digits of either case.</summary>
    private static void Hex(ByteGraphBuilder graph, int from, string digits, int to)
    {
        foreach (var digit in digits)
        {
            graph.Edge(from, (byte)digit, new ByteEdge(to));
            graph.Edge(from, (byte)char.ToLowerInvariant(digit), new ByteEdge(to));
        }
    }
}
