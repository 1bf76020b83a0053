using Understudy.Data;

namespace Understudy.Box;

/// <summary>
/// The folder with the models that come with Understudy: <c>models/</c> of a checkout or beside the program, or the one that
/// <c>UNDERSTUDY_MODELS</c> names. Each folder in it is a model. What is there is looked at when it is asked for.
/// </summary>
public sealed class ModelBox
{
    /// <summary>The environment variable that names another folder.</summary>
    public const string Variable = "UNDERSTUDY_MODELS";

    private const string FolderName = "models", Checkout = "Understudy.slnx";

    private readonly IReadOnlyList<string> places;

    /// <summary>A folder of models.</summary>
    /// <param name="folder">It need not be there: then the box is empty.</param>
    public ModelBox(string folder)
        : this([folder])
    {
    }

    private ModelBox(IEnumerable<string> places) => this.places = [.. places.Select(Path.GetFullPath).Distinct()];

    /// <summary>The box of this program.</summary>
    /// <param name="environment">The value of a variable, null when it is not set; by default that of this process.</param>
    public static ModelBox FromEnvironment(Func<string, string?>? environment = null) =>
        (environment ?? Environment.GetEnvironmentVariable)(Variable) is { Length: > 0 } named ? new ModelBox(named) : new ModelBox(UsualPlaces());

    /// <summary>The folder, absolute; null when it is in none of the places where it was looked for.</summary>
    public string? Folder => places.FirstOrDefault(Directory.Exists);

    /// <summary>Where it was looked for and what was found, for messages.</summary>
    internal string Search => Folder is { } folder
        ? $"Looked in {folder}, found {(Names is { Count: > 0 } names ? string.Join(", ", names.Select(name => name.Name)) : "none")}."
        : $"Looked for {string.Join(" and ", places)}, found no such folder.";

    /// <summary>The models in ordinal order, damaged ones among them; other things in the folder are left out.</summary>
    public IReadOnlyList<BoxName> Names => Folder is { } folder
        ? [.. Directory.EnumerateDirectories(folder).Select(path => BoxName.Of(Path.GetFileName(path))).OfType<BoxName>().OrderBy(name => name.Name, StringComparer.Ordinal)]
        : [];

    /// <summary>The folder of a model, absolute; null when the box has no such model.</summary>
    public string? Find(BoxName name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Folder is { } folder && Path.Combine(folder, name.Name) is var path && Directory.Exists(path) ? path : null;
    }

    /// <summary>The folder of a model, absolute.</summary>
    /// <param name="name"><c>box://NAME</c></param>
    /// <exception cref="InvalidDataException">It is no such name, or the box has no such model.</exception>
    public string FolderOf(string name) =>
        !BoxName.TryParse(name, out var parsed) ? throw new InvalidDataException($"Expected {BoxName.Expected}, found {ShownText.Of(name, 120)}.")
        : Find(parsed) ?? throw new InvalidDataException(Missing(parsed));

    /// <summary>Says that the box has no such model, and what to do.</summary>
    internal string Missing(BoxName name) =>
        $"There is no model '{name.Name}' in the box.{Suggest.DidYouMean(name.Name, Names.Select(known => known.Name))} {Search} {Variable} names another folder.";

    /// <summary>A sentence to append to a message about something that was not found: that the box has a model of that name. Empty when it has none.</summary>
    internal string Hint(string text) => BoxName.Of(text) is { } name && Find(name) is not null ? $" The box has a model of that name: write '{name}'." : "";

    private static IEnumerable<string> UsualPlaces()
    {
        yield return Path.Combine(AppContext.BaseDirectory, FolderName);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Checkout)))
                yield return Path.Combine(folder.FullName, FolderName);
        }
    }
}
