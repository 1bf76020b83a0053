using Understudy.Box;
using Understudy.Models;
using Understudy.Recipes;

namespace Understudy.Cli;

/// <summary>A model as a command line names it: a folder, one that comes with Understudy, or a repository on the Hugging Face Hub.</summary>
internal static class NamedModel
{
    /// <summary>How an argument's description says so.</summary>
    public const string OrByName = "or its name in the box (box://NAME; see the verb models) or on the Hugging Face Hub (OWNER/NAME or hf://OWNER/NAME@REVISION).";

    /// <summary>The model's folder; one on the Hub is downloaded first where it is not in the cache.</summary>
    /// <exception cref="InvalidDataException">There is no such folder or no such model in the box, and it cannot be a name on the Hub.</exception>
    /// <exception cref="Hub.HubException">There is no such folder, and the Hub does not give it.</exception>
    public static string Folder(string given, Execution execution)
    {
        if (BoxName.IsExplicit(given))
            return ModelBox.FromEnvironment().FolderOf(given);
        if (Directory.Exists(given))
            return given;
        using var models = new ModelFolders();
        return RunScreen.Show(execution.Error, progress => models.Fetch(given, progress, execution.Stop));
    }

    /// <summary>The folder of an adapter's base, downloaded first where it is on the Hub; null for a whole model.</summary>
    /// <exception cref="InvalidDataException">The adapter names a base that is nowhere.</exception>
    public static string? Base(string folder, Execution execution)
    {
        if (!AdapterFolder.Recognises(folder))
            return null;
        using var models = new ModelFolders();
        return RunScreen.Show(execution.Error, progress => models.FetchBase(folder, progress, execution.Stop));
    }
}
