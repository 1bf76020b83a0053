namespace Understudy.Hub;

/// <summary>A model on the Hub as it was found: what a run notes about it in its manifest.</summary>
/// <param name="Name"><c>OWNER/NAME</c>.</param>
/// <param name="Revision">The branch, tag or commit that was asked for.</param>
/// <param name="Commit">The commit that it stood for then, 40 hexadecimal digits.</param>
public sealed record HubModel(string Name, string Revision, string Commit);
