namespace Understudy.Reports;

/// <summary>A table in a box of its own, which scrolls when the table is wider than the page.</summary>
internal sealed class HtmlTable : IDisposable
{
    private readonly HtmlWriter page;
    private readonly HtmlWriter.Scope[] open;

    /// <summary>Begins the table; disposing it ends it.</summary>
    /// <param name="page">Takes it.</param>
    /// <param name="caption">What it shows.</param>
    /// <param name="kind">A class of the page's style sheet.</param>
    /// <param name="heads">The columns; one that begins with <c>#</c> holds numbers.</param>
    public HtmlTable(HtmlWriter page, string caption, string kind, params ReadOnlySpan<string> heads)
    {
        this.page = page;
        var box = page.Open("div", ("class", "scroll"), ("role", "region"), ("tabindex", "0"), ("aria-label", caption));
        var table = page.Open("table", ("class", kind));
        // The words stay in sight while the table scrolls beneath them.
        using (page.Open("caption"))
            page.Leaf("span", caption);
        using (page.Open("thead"))
        using (page.Open("tr"))
        {
            foreach (var head in heads)
            {
                if (head.StartsWith('#'))
                    page.Leaf("th", head[1..], ("scope", "col"), ("class", "n"));
                else
                    page.Leaf("th", head, ("scope", "col"));
            }
        }
        open = [page.Open("tbody"), table, box];
    }

    /// <summary>Begins a row; disposing it ends it.</summary>
    public HtmlWriter.Scope Row(string kind = "")
    {
        page.Line();
        return kind.Length > 0 ? page.Open("tr", ("class", kind)) : page.Open("tr");
    }

    /// <summary>The cell that names the row, with text of the page itself.</summary>
    public void Head(string text) => page.Leaf("th", text, ("scope", "row"));

    /// <summary>The cell that names the row, with text from outside.</summary>
    public void ForeignHead(string text)
    {
        using (page.Open("th", ("scope", "row")))
            page.Foreign(text, 80);
    }

    /// <summary>A cell with text of the page itself.</summary>
    public void Cell(string text) => page.Leaf("td", text);

    /// <summary>A cell with a number.</summary>
    public void Number(string text) => page.Leaf("td", text, ("class", "n"));

    /// <summary>A cell with text from outside.</summary>
    public void Foreign(string text, int length = 400)
    {
        using (page.Open("td"))
            page.Foreign(text, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var scope in open)
            scope.Dispose();
    }
}
