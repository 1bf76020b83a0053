namespace Understudy.Reports;

/// <summary>
/// Writes a page that is at once HTML and well-formed XML. Text can only come in through <see cref="Text"/> and attribute
/// values, which escape it and make it visible (<see cref="VisibleText"/>): there is no way to write markup as a string.
/// Elements and attributes beyond a short list are refused, so that no script, address or handler can stand in a page.
/// </summary>
internal sealed class HtmlWriter
{
    private static readonly HashSet<string> Elements = new(StringComparer.Ordinal)
    {
        "html", "head", "title", "style", "body", "header", "main", "footer", "section", "nav", "h1", "h2", "h3", "p", "div", "span", "strong", "em", "small",
        "ul", "li", "dl", "dt", "dd", "a", "bdi", "code", "pre", "details", "summary", "figure", "figcaption",
        "table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "desc", "g", "line", "polyline", "circle", "rect", "text",
    };

    private static readonly HashSet<string> Attributes = new(StringComparer.Ordinal)
    {
        "lang", "class", "id", "scope", "colspan", "tabindex", "role", "aria-label", "aria-labelledby", "aria-hidden", "title", "name", "content", "charset", "http-equiv",
        "viewBox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "points", "text-anchor", "transform", "focusable", "xmlns",
    };

    private readonly TextWriter output;
    private readonly Stack<string> open = [];

    /// <summary>Begins a page.</summary>
    /// <param name="output">Takes the page; line breaks are <c>\n</c> whatever it says.</param>
    /// <param name="isPage">False for a picture by itself.</param>
    public HtmlWriter(TextWriter output, bool isPage = true)
    {
        this.output = output;
        if (isPage)
            output.Write("<!DOCTYPE html>\n");
    }

    /// <summary>Opens an element until what is returned is disposed.</summary>
    /// <param name="element">Its name.</param>
    /// <param name="attributes">Its attributes; <c>href</c> may only point into the page (<c>#...</c>).</param>
    /// <exception cref="ArgumentException">The element or an attribute is not one that a page may have.</exception>
    public Scope Open(string element, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Start(element, Elements.Contains(element), attributes);
        output.Write('>');
        open.Push(element);
        return new Scope(this, open.Count);
    }

    /// <summary>An element with nothing but text in it.</summary>
    public void Leaf(string element, string text, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        using (Open(element, attributes))
            Text(text);
    }

    /// <summary>An element that has no content: <c>meta</c>, <c>br</c>, and the shapes of SVG.</summary>
    public void Empty(string element, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Start(element, element is "meta" or "br" or "line" or "polyline" or "circle" or "rect", attributes);
        output.Write("/>");
    }

    /// <summary>Text, escaped.</summary>
    public void Text(string text) => Escaped(VisibleText.Of(text, keepLines: open.Contains("pre")));

    /// <summary>Text from outside, kept from reordering what stands around it. Cut where it is longer than <paramref name="length"/> characters.</summary>
    public void Foreign(string text, int length = 400) => Leaf("bdi", VisibleText.Cut(text, length));

    /// <summary>A line break in the source, for people who read it.</summary>
    public void Line() => output.Write('\n');

    /// <summary>The page's style sheet.</summary>
    /// <exception cref="ArgumentException">It holds one of <c>&lt; &gt; &amp;</c>, which HTML and XML read differently there.</exception>
    public void Style(string css)
    {
        if (css.AsSpan().ContainsAny('<', '>', '&'))
            throw new ArgumentException("A style sheet must do without '<', '>' and '&'.", nameof(css));
        using (Open("style"))
            output.Write(css);
    }

    private void Start(string element, bool allowed, ReadOnlySpan<(string Name, string Value)> attributes)
    {
        if (!allowed)
            throw new ArgumentException($"A page has no element '{element}' of this form.", nameof(element));
        output.Write('<');
        output.Write(element);
        foreach (var (name, value) in attributes)
        {
            if (!Attributes.Contains(name) && !(name == "href" && value.StartsWith('#')))
                throw new ArgumentException($"A page has no attribute '{name}' with the value '{value}'.", nameof(attributes));
            output.Write(' ');
            output.Write(name);
            output.Write("=\"");
            Escaped(VisibleText.Of(value));
            output.Write('"');
        }
    }

    private void Escaped(string text)
    {
        foreach (var c in text)
        {
            switch (c)
            {
                case '<': output.Write("&lt;"); break;
                case '>': output.Write("&gt;"); break;
                case '&': output.Write("&amp;"); break;
                case '"': output.Write("&quot;"); break;
                case '\'': output.Write("&#39;"); break;
                default: output.Write(c); break;
            }
        }
    }

    private void Close(int depth)
    {
        if (open.Count != depth)
            throw new InvalidOperationException($"'{open.Peek()}' is closed before or after its turn.");
        output.Write("</");
        output.Write(open.Pop());
        output.Write('>');
    }

    /// <summary>An open element; closes it when disposed.</summary>
    public readonly struct Scope(HtmlWriter page, int depth) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => page.Close(depth);
    }
}
